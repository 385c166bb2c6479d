package scripts

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// sessionEnv is what is known of a session for scripts beside what they run for. In pppd a variable
// stays once it is set: ip-up has LLLOCAL if IPv6CP was the first to open, and auth-down has
// IPLOCAL. Its methods may be called concurrently.
type sessionEnv struct {
	mu           sync.Mutex
	addressing   pppoe.Addressing
	device, unit string // the last device that is not named pppN, and its unit
}

// update adds what a session has now. What a family had stays when it is lost.
func (k *sessionEnv) update(a pppoe.Addressing) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.HasIPv4() {
		k.addressing.IPv4 = a.IPv4
	}
	if a.HasIPv6() {
		k.addressing.IPv6 = a.IPv6
	}
}

// reset is called when another session begins.
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
	return env
}

// downEnv are the variables of ip-down and its like beside those of ip-up: what came to be known
// since, and what was carried.
func (k *sessionEnv) downEnv(online time.Duration, by datapath.Counters) []string {
	return append(k.env(), trafficEnv(online, by)...)
}

// unitNumber is the number of a device: of one that is named as pppd names its own, the number in its
// name; of any other the one wanted, or else its interface's index, which no other device has.
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
	if k.device != device { // net-down runs when the device has gone
		k.device, k.unit = device, "0"
		if is, err := net.InterfaceByName(device); err == nil {
			k.unit = strconv.Itoa(is.Index)
		}
	}
	return k.unit
}

// args are a script's arguments, with ipparam behind them if there is one.
func (s *Runner) args(args ...string) []string {
	if s.cfg.IPParam == nil {
		return args
	}
	return append(args, *s.cfg.IPParam)
}

func ipv4Env(a ipcp.Agreement) []string {
	env := []string{"IPLOCAL=" + a.Local.String(), "IPREMOTE=" + a.Remote.String()}
	env = append(env, serverEnv("DNS", a.DNS)...)
	return append(env, serverEnv("WINS", a.NBNS)...)
}

func ipv6Env(a ipv6cp.Agreement) []string {
	return []string{"LLLOCAL=" + a.Local.LinkLocal().String(), "LLREMOTE=" + a.Remote.LinkLocal().String()}
}

// serverEnv tell of those that the peer has named, of which there are any only if they
// were asked for: a script that sees USEPEERDNS replaces the host's by them.
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

// trafficEnv are the variables that ip-down and its like have beside those of ip-up.
func trafficEnv(online time.Duration, by datapath.Counters) []string {
	return []string{
		fmt.Sprintf("CONNECT_TIME=%d", int(online.Seconds())),
		fmt.Sprintf("BYTES_SENT=%d", by.SentBytes),
		fmt.Sprintf("BYTES_RCVD=%d", by.ReceivedBytes),
	}
}
