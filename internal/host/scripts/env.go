package scripts

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"upppoe/internal/host/nic"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// sessionEnv is what scripts know of a session in addition to what they run for. In pppd a
// variable stays once it is set: ip-up has LLLOCAL if IPv6CP was the first to open, and auth-down
// has IPLOCAL. Its methods may be called concurrently.
type sessionEnv struct {
	mu           sync.Mutex
	addressing   pppoe.Addressing
	device, unit string // the last device that is not named pppN, and its number
}

// update adds a session's addressing. What a family had stays when it goes down.
func (k *sessionEnv) update(a pppoe.Addressing) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.HasIPv4() {
		k.addressing.IPv4 = a.IPv4
	}
	if a.HasIPv6() {
		k.addressing.IPv6 = a.IPv6
	}
	k.addressing.VRF = a.VRF
}

// reset must be called when another session begins.
func (k *sessionEnv) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.addressing, k.device = pppoe.Addressing{}, ""
}

func (k *sessionEnv) env() (env []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.addressing.HasIPv4() {
		env = append(env, ipv4Env(k.addressing.IPv4)...)
	}
	if k.addressing.HasIPv6() {
		env = append(env, ipv6Env(k.addressing.IPv6)...)
	}
	if vrf := k.addressing.VRF; vrf != "" { // a client's is of its configuration
		env = append(env, "VRF="+vrf)
	}
	return env
}

// downEnv returns the variables that ip-down and the like have in addition to those of ip-up: what
// came to be known since, and the traffic.
func (k *sessionEnv) downEnv(online time.Duration, by datapath.Counters) []string {
	return append(k.env(), trafficEnv(online, by)...)
}

// unitNumber returns the number of a device: of pppN it is N; of any other the configured one, or
// else its interface index, which no other device has.
func (k *sessionEnv) unitNumber(device string, wanted int) string {
	if unit, ok := strings.CutPrefix(device, "ppp"); ok {
		if _, err := strconv.ParseUint(unit, 10, 31); err == nil {
			return unit
		}
	}
	if wanted >= 0 {
		return strconv.Itoa(wanted)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.device != device { // net-down runs after the device is gone
		k.device, k.unit = device, "0"
		if is, err := nic.ByName(device); err == nil {
			k.unit = strconv.Itoa(is.Index)
		}
	}
	return k.unit
}

func ipv4Env(a ipcp.Agreement) []string {
	env := []string{"IPLOCAL=" + a.Local.String(), "IPREMOTE=" + a.Remote.String()}
	env = append(env, serverEnv("DNS", a.DNS)...)
	return append(env, serverEnv("WINS", a.NBNS)...)
}

func ipv6Env(a ipv6cp.Agreement) []string {
	return []string{"LLLOCAL=" + a.Local.LinkLocal().String(), "LLREMOTE=" + a.Remote.LinkLocal().String()}
}

// serverEnv returns the variables of name servers that the peer gave. There are none unless they
// were requested: a script that sees USEPEERDNS replaces the host's by them.
func serverEnv(kind string, of [2]netip.Addr) (env []string) {
	for i, server := range of {
		if server.IsValid() {
			env = append(env, fmt.Sprintf("%s%d=%v", kind, i+1, server))
		}
	}
	if len(env) > 0 {
		env = append(env, "USEPEER"+kind+"=1")
	}
	return env
}

// trafficEnv returns the variables of a session's duration and traffic.
func trafficEnv(online time.Duration, by datapath.Counters) []string {
	return []string{
		fmt.Sprintf("CONNECT_TIME=%d", int(online.Seconds())),
		fmt.Sprintf("BYTES_SENT=%d", by.SentBytes),
		fmt.Sprintf("BYTES_RCVD=%d", by.ReceivedBytes),
	}
}

// speed is what pppd passes for a link that is not serial.
const speed = "0"

// env returns the variables of all scripts. Our own environment is not passed on.
func (s *caller) env(l pppoe.SessionInfo) []string {
	peer := strings.ToUpper(l.Peer.String())
	env := []string{
		"DEVICE=" + s.cfg.Device, "IFNAME=" + l.Device, "SPEED=" + speed,
		"PPPD_PID=" + strconv.Itoa(os.Getpid()), "ORIG_UID=" + strconv.Itoa(os.Getuid()),
		"MACREMOTE=" + peer, "REMOTENUMBER=" + peer, "ACNAME=" + sanitize(l.ACName),
	}
	if l.User != "" {
		env = append(env, "PEERNAME="+sanitize(l.User))
	}
	if l.Device != "" {
		env = append(env, "UNIT="+s.sessionEnv.unitNumber(l.Device, s.cfg.Unit))
	}
	env = append(env, s.sessionEnv.env()...)
	return append(env, s.cfg.Env...)
}
