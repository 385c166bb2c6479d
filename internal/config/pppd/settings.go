package pppd

import (
	"net/netip"
	"time"

	"upppoe/internal/capture/pcapngwriter"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Detach says when a program goes to the background.
type Detach uint8

// Times to go to the background.
const (
	DetachDefault Detach = iota
	DetachNever
	DetachOnline // once packets are forwarded
	DetachNow    // before dialling, as pppd does
)

// Settings are the values of all options. The zero value of a field is its default, except for the
// fields that New sets. Printing them hides the password.
type Settings struct {
	// Interface and PPPoE.
	Interface       string // empty: none given
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
	Queues          int  // 0: the default
	SharedDevice    bool // set by the program: sessions share a network device
	MSS             int  // 0: as the MTU allows; negative: no clamping

	ControlPriority, DataPriority uint8
	HostUniq                      []byte
	PADITimeout                   time.Duration
	PADIAttempts                  int
	MTU, MRU                      int
	DefaultMRU                    bool // mtu does not apply to the MRU

	// Authentication.
	User         string
	Name         string
	RemoteName   string
	Password     Secret
	HasPassword  bool
	PasswordFile string
	PasswordEnv  string
	PasswordFD   int      // -1: none
	CHAPSecrets  string   // empty: chap-secrets in the program's directory
	PAPSecrets   string   // empty: pap-secrets in the program's directory
	MSCHAPv1     bool     // we may authenticate ourselves with it
	LANMAN       bool     // with the LAN Manager response
	Require      []string // of "chap", "mschap-v2", "pap", "eap", in the order given
	Refuse       []string // of the same and "mschap"
	NoAuth       bool
	Auth         bool
	ShowPassword bool
	AuthTimers   ppp.AuthTimers

	// LCP and the network protocols.
	EchoInterval       time.Duration
	EchoFailures       int
	EchoAdaptive       bool
	SilenceLimit       time.Duration // without EchoInterval: how long the peer may be silent; 0: no limit
	NoMagic            bool
	NoPathCheck        bool
	Silent             bool
	LCP                ppp.NegotiationLimits
	IPCP               ppp.NegotiationLimits
	IPv6CP             ppp.NegotiationLimits
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
	NoRemoteID         bool // the peer may have no identifier
	NoSendID           bool // we send no identifier
	UseRemoteNumber    bool // the peer's identifier is derived from RemoteNumber, or else from its Ethernet address
	RemoteNumber       string
	DNS                []netip.Addr
	WINS               []netip.Addr
	UsePeerDNS         bool
	UsePeerWINS        bool
	NoResolvConf       bool
	Resolv             string // of auto, resolved, resolvconf and file; empty: none
	ProxyARP           bool
	NoAutoconf         bool // IPv6: no address from routers, nor by DHCPv6 unless requested
	NoDHCPv6           bool
	DHCPv6Address      bool
	DHCPv6Prefix       bool
	DHCPv6PrefixLength int  // requested length; 0: any
	DHCPv6AFTR         bool // services to request
	DHCPv6NTP          bool
	DHCPv6S46          bool
	AdvertiseLANs      bool
	LANs               []string // interfaces that get a /64 each of the delegated prefix
	KernelTune         bool

	// Policy is what a server grants all sessions.
	Policy pppoe.SessionPolicy
	// Services are those that a server offers; none: any.
	Services []Service
	// Access are the limits of a server's clients, without its lists of addresses: see AccessConfig.
	Access        pppoe.AccessConfig
	MACAllow      []wire.AddrPrefix
	MACAllowGiven bool // by mac-allow, even if of an empty file: clients that are not in it are not answered
	MACDeny       []wire.AddrPrefix

	// Device, routes and process.
	DefaultRoute  bool
	ReplaceRoute  bool
	RouteMetric   *int
	DefaultRoute6 bool
	RouteMetric6  *int

	NoDefaultRoute6 bool // not even to a router that advertises itself
	Table           int  // 0: the main table
	Namespace       string
	Unit            int // -1: any
	IfName          string
	LinkName        string
	Force           bool
	IPParam         *string // nil: scripts do not have this argument
	Detach          Detach
	NotifySystemd   bool
	Debug           bool
	LogFile         string
	LogFD           int // -1: none
	LogTimes        bool
	Capture         Capture
	JSON            bool
	Dump            bool
	ShowOptions     bool
	DryRun          bool
	StateDir        string
	NoAdopt         bool
	Persist         bool
	MaxFail         int
	Holdoff         time.Duration
	Idle            time.Duration
	MaxConnect      time.Duration
	MaxBytes        uint64
	Count           pppoe.Counting
	Demand          bool
	Call            string

	// Scripts are the paths of scripts with another path than the default, by name.
	Scripts      map[string]string
	ScriptEnv    []string
	ChildTimeout time.Duration

	// Plugin reports whether an option names pppd's PPPoE plugin.
	Plugin bool
	// Parsed are all options that were read, in order.
	Parsed []ParsedOption
	// Warnings are for the log.
	Warnings []string
}

// New returns pppd's defaults.
func New() *Settings {
	return &Settings{
		Unit: -1, PasswordFD: -1, MaxFail: 10, Holdoff: 30 * time.Second, LogFD: -1,
		Scripts: make(map[string]string), ChildTimeout: 5 * time.Second, StateDir: "/var/lib/upppoe",
		Capture: Capture{Megabytes: pcapngwriter.DefaultMaxSize >> 20, Files: pcapngwriter.DefaultFiles},
	}
}
