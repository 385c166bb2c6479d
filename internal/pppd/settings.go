package pppd

import (
	"log/slog"
	"net/netip"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Secret is a password. However it is printed, it is not shown.
type Secret string

// String hides the secret.
func (Secret) String() string { return "<hidden>" }

// GoString hides the secret.
func (Secret) GoString() string { return "<hidden>" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("<hidden>") }

// Settings are what the options say. The zero value is what holds without any,
// but for those that New sets.
type Settings struct {
	// The line.
	Interface    string
	Service      string
	OmitService  bool
	ACName       string
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
	EchoInterval time.Duration
	EchoFailures int
	NoMagic      bool
	LCP          ppp.Limits
	IPCP         ppp.Limits
	IPv6CP       ppp.Limits
	NoIP         bool
	NoIPv6       bool
	Local        netip.Addr
	Remote       netip.Addr
	AcceptLocal  bool
	AcceptRemote bool
	NoIPDefault  bool
	LocalID      ipv6cp.ID
	RemoteID     ipv6cp.ID
	DNS          []netip.Addr
	WINS         []netip.Addr
	UsePeerDNS   bool
	UsePeerWINS  bool

	// The host and the program.
	DefaultRoute bool
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
