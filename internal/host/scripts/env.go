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

// known is what is known of a session for scripts beside what they run for. In pppd a variable
// stays once it is set: ip-up has LLLOCAL if IPv6CP was the first to open, and auth-down has
// IPLOCAL. Its methods may be called concurrently.
type known struct {
	mu           sync.Mutex
	has          pppoe.Addressing
	device, unit string // the last device that is not named pppN, and its unit
}

// learn adds what a session has now. What a family had stays when it is lost.
func (k *known) learn(a pppoe.Addressing) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.HasIPv4() {
		k.has.IPv4 = a.IPv4
	}
	if a.HasIPv6() {
		k.has.IPv6 = a.IPv6
	}
}

// forget is called when another session begins.
func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.has, k.device = pppoe.Addressing{}, ""
}

func (k *known) env() (env []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.has.HasIPv4() {
		env = append(env, ipv4Env(k.has.IPv4)...)
	}
	if k.has.HasIPv6() {
		env = append(env, ipv6Env(k.has.IPv6)...)
	}
	return env
}

// after are the variables of ip-down and its like beside those of ip-up: what came to be known
// since, and what was carried.
func (k *known) after(online time.Duration, by datapath.Counters) []string {
	return append(k.env(), carried(online, by)...)
}

// unitOf is the number of a device: of one that is named as pppd names its own, the number in its
// name; of any other the one wanted, or else its interface's index, which no other device has.
func (k *known) unitOf(device string, wanted int) string {
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
	env = append(env, servers("DNS", a.DNS)...)
	return append(env, servers("WINS", a.NBNS)...)
}

func ipv6Env(a ipv6cp.Agreement) []string {
	return []string{"LLLOCAL=" + a.Local.LinkLocal().String(), "LLREMOTE=" + a.Remote.LinkLocal().String()}
}

// servers tell of those that the peer has named, of which there are any only if they
// were asked for: a script that sees USEPEERDNS replaces the host's by them.
func servers(kind string, of [2]netip.Addr) (env []string) {
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

// carried are the variables that ip-down and its like have beside those of ip-up.
func carried(online time.Duration, by datapath.Counters) []string {
	return []string{
		fmt.Sprintf("CONNECT_TIME=%d", int(online.Seconds())),
		fmt.Sprintf("BYTES_SENT=%d", by.SentBytes),
		fmt.Sprintf("BYTES_RCVD=%d", by.ReceivedBytes),
	}
}
