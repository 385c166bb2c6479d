package pppd

import (
	"net/netip"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Settings are what the options say. The zero value is what holds without any,
// but for those that New sets. Printing them does not show the password.
type Settings struct {
	// The line.
	Interface    string // empty: none was named
	Service      string
	OmitService  bool
	ACNames      []string
	ACAddr       string
	HostUniq     []byte
	PADITimeout  time.Duration
	PADIAttempts int
	MTU, MRU     int

	// Who we are, and who the peer is.
	User         string
	Name         string
	RemoteName   string
	Password     Secret
	HasPassword  bool
	PasswordFile string
	PasswordEnv  string
	Require      []string // of "chap", "mschap-v2", "pap", "eap", in the order given
	Refuse       []string
	NoAuth       bool
	Auth         bool
	ShowPassword bool
	AuthTimers   ppp.AuthTimers

	// LCP and the network protocols.
	EchoInterval  time.Duration
	EchoFailures  int
	NoMagic       bool
	Silent        bool
	Passive       bool
	LCP           ppp.Limits
	IPCP          ppp.Limits
	IPv6CP        ppp.Limits
	NoIP          bool
	NoIPv6        bool
	Local         netip.Addr
	Remote        netip.Addr
	AcceptLocal   bool
	AcceptRemote  bool
	NoIPDefault   bool
	LocalID       ipv6cp.ID
	RemoteID      ipv6cp.ID
	AcceptLocalID bool
	DNS           []netip.Addr
	WINS          []netip.Addr
	UsePeerDNS    bool
	UsePeerWINS   bool

	// The host and the program.
	DefaultRoute bool
	ReplaceRoute bool
	RouteMetric  int
	Unit         int // -1: any
	IfName       string
	LinkName     string
	IPParam      string
	NoDetach     bool
	Debug        bool
	LogFile      string
	Persist      bool
	MaxFail      int
	Holdoff      time.Duration
	Idle         time.Duration
	MaxConnect   time.Duration
	Call         string

	// Plugin says that the options named pppd's PPPoE plugin.
	Plugin bool
	// Notices are what the reader of the log should know of ignored options.
	Notices []string
}

// New are the settings before any option is read: pppd's defaults.
func New() *Settings {
	return &Settings{Unit: -1, MaxFail: 10, Holdoff: 30 * time.Second}
}
