package pppd

import (
	"net/netip"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// Detach is when a program goes to the background.
type Detach uint8

// Times to go to the background.
const (
	DetachDefault Detach = iota
	DetachNever
	DetachOnline // once packets flow
	DetachNow    // before dialling, as pppd does
)

// Settings are what the options say. The zero value is what holds without any,
// but for those that New sets. Printing them does not show the password.
type Settings struct {
	// The line.
	Interface       string // empty: none was named
	Service         string
	OmitService     bool
	ACNames         []string
	ACAddr          string
	VLAN            vlan.Stack
	SourceAddr      string
	AccessCircuitID string
	AccessRemoteID  string
	Attach          string // SID:MAC; empty: none
	ConnectDelay    time.Duration
	DataPath        datapath.Kind
	Queues          int // 0: the default
	MSS             int // 0: as the MTU allows; negative: as it is

	ControlPriority, DataPriority uint8
	HostUniq                      []byte
	PADITimeout                   time.Duration
	PADIAttempts                  int
	MTU, MRU                      int
	DefaultMRU                    bool // mtu is not meant both ways

	// Who we are, and who the peer is.
	User         string
	Name         string
	RemoteName   string
	Password     Secret
	HasPassword  bool
	PasswordFile string
	PasswordEnv  string
	PasswordFD   int      // -1: none
	CHAPSecrets  string   // empty: that of the programs' directory
	PAPSecrets   string   // likewise
	MSCHAPv1     bool     // we may prove who we are by it
	LANMAN       bool     // and do it by the LAN Manager response
	Require      []string // of "chap", "mschap-v2", "pap", "eap", in the order given
	Refuse       []string // likewise, and "mschap"
	NoAuth       bool
	Auth         bool
	ShowPassword bool
	AuthTimers   ppp.AuthTimers

	// LCP and the network protocols.
	EchoInterval       time.Duration
	EchoFailures       int
	EchoAdaptive       bool
	SilenceLimit       time.Duration // without EchoInterval: how long the peer may be silent; 0: for ever
	NoMagic            bool
	NoPathCheck        bool
	Silent             bool
	LCP                ppp.Limits
	IPCP               ppp.Limits
	IPv6CP             ppp.Limits
	NoIP               bool
	NoRemoteIP         bool
	NoIPv6             bool
	Local              netip.Addr
	Remote             netip.Addr
	AcceptLocal        bool
	AcceptRemote       bool
	LocalID            ipv6cp.ID
	RemoteID           ipv6cp.ID
	AcceptLocalID      bool
	NoRemoteID         bool // the peer may be without an identifier
	NoSendID           bool // ours is not told
	UseRemoteNumber    bool // the peer's identifier is made of RemoteNumber, or else of its Ethernet address
	RemoteNumber       string
	DNS                []netip.Addr
	WINS               []netip.Addr
	UsePeerDNS         bool
	UsePeerWINS        bool
	NoResolvConf       bool
	Resolv             string // of auto, resolved, resolvconf and file; empty: none
	ProxyARP           bool
	NoAutoconf         bool // IPv6: no address from routers, nor by DHCPv6 unless that is asked for
	NoDHCPv6           bool
	DHCPv6Address      bool
	DHCPv6Prefix       bool
	DHCPv6PrefixLength int  // that we would like; 0: the server's choice
	DHCPv6AFTR         bool // services to ask for
	DHCPv6NTP          bool
	DHCPv6S46          bool
	AdvertiseLANs      bool
	LANs               []string // interfaces that get a network each of the delegated prefix
	KernelTune         bool

	// What a server holds sessions to.
	Policy pppoe.SessionPolicy

	// The host and the program.
	DefaultRoute  bool
	ReplaceRoute  bool
	RouteMetric   *int
	DefaultRoute6 bool
	RouteMetric6  *int

	NoDefaultRoute6 bool // also not to a router that advertises itself
	Table           int  // 0: the main one
	VRF             string
	Namespace       string
	Unit            int // -1: any
	IfName          string
	LinkName        string
	Force           bool
	IPParam         *string // nil: scripts have no such argument
	Detach          Detach
	NotifySystemd   bool
	Debug           bool
	LogFile         string
	LogFD           int // -1: none
	JSON            bool
	Dump            bool
	ShowOptions     bool
	DryRun          bool
	StateDir        string
	Persist         bool
	MaxFail         int
	Holdoff         time.Duration
	Idle            time.Duration
	MaxConnect      time.Duration
	MaxBytes        uint64
	Count           pppoe.Counting
	Demand          bool
	Call            string

	// Scripts are the paths of those that lie elsewhere, by name, and what they get.
	Scripts      map[string]string
	ScriptEnv    []string
	ChildTimeout time.Duration

	// Plugin says that the options named pppd's PPPoE plugin.
	Plugin bool
	// Parsed are all options that were read.
	Parsed []ParsedOption
	// Warnings are what the reader of the log should know of ignored options.
	Warnings []string
}

// New are the settings before any option is read: pppd's defaults.
func New() *Settings {
	return &Settings{
		Unit: -1, PasswordFD: -1, MaxFail: 10, Holdoff: 30 * time.Second, LogFD: -1,
		Scripts: make(map[string]string), ChildTimeout: 5 * time.Second, StateDir: "/var/lib/upppoe",
	}
}
