package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/aaa/accounting"
	"upppoe/internal/aaa/coa"
	"upppoe/internal/aaa/radius"
	"upppoe/internal/config/secrets"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/mgmt/metrics"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/process/passfd"
	"upppoe/internal/state"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/pppoe"
)

// radiusService authenticates clients by RADIUS servers and accounts for sessions, and lets servers
// change and end them. A nil one does nothing.
type radiusService struct {
	nas        *radius.NAS
	log        *slog.Logger
	state      *sessionState
	options    atomic.Pointer[serverconfig.Config] // whose policies and limits are the base of those of servers
	auth       *radius.Authenticator
	authClient *radius.Client
	acctClient *radius.Client         // nil: none
	accounting *accounting.Accounting // nil: none
	coaConfig  coa.Config
	coa        *coa.Server  // nil: none
	coaConn    *net.UDPConn // likewise
	coaDone    chan struct{}
}

// newRADIUS opens what the configuration says; nil if it has no RADIUS servers. It reads the files of
// secrets and opens the spool, which the server could not do later.
func newRADIUS(c *serverconfig.Config, sessions *sessionState, coaSocket *os.File, log *slog.Logger) (*radiusService, error) {
	r := c.RADIUS
	if len(r.Servers) == 0 {
		if coaSocket != nil {
			coaSocket.Close()
		}
		return nil, nil
	}
	s := &radiusService{log: log, state: sessions}
	s.options.Store(c)
	nas := &radius.NAS{Identifier: r.NASIdentifier, IPv4: r.NASIPv4, IPv6: r.NASIPv6, PPPoEPortType: r.PPPoEPortType, Started: sessions.started()}
	s.nas = nas
	if nas.Identifier == "" {
		nas.Identifier = c.ACName()
	}
	policies := c.RADIUSPolicies()
	if err := s.openClients(r); err != nil {
		return nil, err
	}
	s.auth = radius.NewAuthenticator(radius.Config{NAS: nas, Policies: policies, Base: s.base, Log: log}, s.authClient)
	if s.acctClient != nil {
		if err := s.openAccounting(r, nas, s.acctClient); err != nil {
			return nil, err
		}
	}
	return s, s.openCoA(r, nas, &policies, coaSocket)
}

// openClients makes the clients of authentication and of accounting; the latter only if a server has a port
// for it.
func (s *radiusService) openClients(r serverconfig.RADIUS) error {
	auth, acct, err := s.clientConfigs(r)
	if err != nil {
		return err
	}
	if s.authClient, err = radius.NewClient(auth); err != nil || len(acct.Servers) == 0 {
		return err
	}
	s.acctClient, err = radius.NewClient(acct)
	return err
}

// clientConfigs returns the configurations of the clients of authentication and of accounting, the latter
// without servers if none has a port for it.
func (s *radiusService) clientConfigs(r serverconfig.RADIUS) (auth, acct radius.ClientConfig, err error) {
	auth, acct = r.Client, r.Client
	auth.Log, acct.Log = s.log, s.log
	for _, one := range r.Servers {
		secret, err := secretOf(one.Secret, one.SecretFile)
		if err != nil {
			return auth, acct, err
		}
		auth.Servers = append(auth.Servers, radius.Server{Addr: netip.AddrPortFrom(one.Addr, uint16(one.Auth)), Secret: secret})
		if one.Acct != 0 {
			acct.Servers = append(acct.Servers, radius.Server{Addr: netip.AddrPortFrom(one.Addr, uint16(one.Acct)), Secret: secret})
		}
	}
	return auth, acct, nil
}

// secretOf returns a secret, or the first line of its file.
func secretOf(text, file string) ([]byte, error) {
	if file == "" {
		return []byte(text), nil
	}
	secret, _, err := secrets.PasswordFromFile(file) // what warns has been logged when the configuration was read
	if err != nil {
		return nil, fmt.Errorf("secret-file of a RADIUS server or client: %w (see pppoe-server check)", err)
	}
	return secret, nil
}

func (s *radiusService) openAccounting(r serverconfig.RADIUS, nas *radius.NAS, client *radius.Client) (err error) {
	spool := r.Spool
	if spool == "" {
		spool = serverconfig.DefaultSpool
	}
	if err := os.MkdirAll(filepath.Dir(spool), 0o755); err != nil {
		return err
	}
	s.accounting, err = accounting.New(accounting.Config{
		Client: client, NAS: nas, Interim: r.Interim, Spool: spool, MaxSpool: r.MaxSpool, Log: s.log,
		Keep:      func(of uint64, part []byte) { s.state.put(of, state.Accounting, part) },
		Inherited: func(of uint64) []byte { return s.state.part(of, state.Accounting) },
	})
	return err
}

// openCoA opens the socket of CoA, or uses one of an earlier program.
func (s *radiusService) openCoA(r serverconfig.RADIUS, nas *radius.NAS, policies *radius.Policies, inherited *os.File) (err error) {
	defer func() {
		if inherited != nil {
			inherited.Close()
		}
	}()
	if !r.CoA.Listen.IsValid() {
		return nil
	}
	rules, err := coaRules(r, policies)
	if err != nil {
		return err
	}
	s.coaConfig = coa.Config{Rules: rules, NAS: nas, Log: s.log}
	if s.coaConn = inheritUDP(inherited, r.CoA.Listen); s.coaConn == nil {
		s.coaConn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(r.CoA.Listen))
	}
	return err
}

// inheritUDP returns the socket of a file; nil: there is none, or it has another address.
func inheritUDP(f *os.File, at netip.AddrPort) *net.UDPConn {
	if f == nil {
		return nil
	}
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil
	}
	if u, ok := conn.(*net.UDPConn); ok && u.LocalAddr().String() == net.UDPAddrFromAddrPort(at).String() {
		return u
	}
	conn.Close()
	return nil
}

// coaSocket returns another descriptor of the socket of CoA; nil: there is none.
func (s *radiusService) coaSocket() (*os.File, error) {
	if s == nil || s.coaConn == nil {
		return nil, nil
	}
	return passfd.Duplicate(s.coaConn, fileCoA)
}

// suspend closes the spool for a successor; resume opens it again.
func (s *radiusService) suspend() error {
	if s == nil || s.accounting == nil {
		return nil
	}
	return s.accounting.Suspend()
}

func (s *radiusService) resume() error {
	if s == nil || s.accounting == nil {
		return nil
	}
	return s.accounting.Resume()
}

// coaRules returns who may send requests of CoA, and what they mean.
func coaRules(r serverconfig.RADIUS, policies *radius.Policies) (coa.Rules, error) {
	rules := coa.Rules{Policies: policies, RequireTimestamp: r.CoA.RequireTimestamp, RequireMessageAuthenticator: r.CoA.RequireMessageAuthenticator}
	for _, one := range r.CoAClients {
		secret, err := secretOf(one.Secret, one.SecretFile)
		if err != nil {
			return rules, err
		}
		rules.Clients = append(rules.Clients, coa.Client{Prefix: one.Prefix, Secret: secret})
	}
	return rules, nil
}

// base returns what the server's options grant a session, which a RADIUS server's attributes change.
func (s *radiusService) base(l pppoe.SessionInfo) pppoe.SessionPolicy {
	options := s.options.Load().Options
	policy := options.PolicyOf(l.Service)
	if limits := options.Limits(); limits != (pppoe.SessionLimits{}) {
		policy.Limits = &limits
	}
	return policy
}

// configure makes the server authenticate by RADIUS, and relay EAP.
func (s *radiusService) configure(cfg *pppoe.ServerConfig) {
	if s == nil {
		return
	}
	cfg.Authenticator = s.auth
	methods := make([]ppp.Method, 0, len(cfg.Session.LCP.RequireAuth))
	for _, m := range cfg.Session.LCP.RequireAuth {
		if m == eap.MD5 {
			m = eap.PassThrough
		}
		methods = append(methods, m)
	}
	cfg.Session.LCP.RequireAuth = methods
}

// start must be called before the server runs.
func (s *radiusService) start(server *pppoe.Server, cluster *allActive) (err error) {
	if s == nil {
		return nil
	}
	if s.accounting != nil {
		s.accounting.Start(server, s.state.adopted > 0)
	}
	if s.coaConn == nil {
		return nil
	}
	s.coaConfig.Sessions = server
	cluster.configureCoA(server, &s.coaConfig)
	if s.coa, err = coa.New(s.coaConfig); err != nil {
		return err
	}
	s.coaDone = make(chan struct{})
	// Ends with the socket.
	go func() {
		s.coa.Serve(s.coaConn)
		s.logDrops(s.coa.Stats().Drops)
		close(s.coaDone)
	}()
	return nil
}

// metrics returns what reads the service's numbers. It must be called after start.
func (s *radiusService) metrics() prometheus.Collector {
	return metrics.RADIUS(s.numbers())
}

// numbers returns where the service's numbers are read. It must be called after start.
func (s *radiusService) numbers() servercontrol.RADIUS {
	return servercontrol.RADIUS{Auth: s.authClient, Acct: s.acctClient, Accounting: s.accounting, CoA: s.coa}
}

// notify handles events of sessions. It does not block.
func (s *radiusService) notify(l pppoe.SessionInfo, e pppoe.Event) {
	if s != nil && s.accounting != nil {
		s.accounting.Notify(l, e)
	}
}

// notAdopted accounts for the end of a session that an earlier program has begun.
func (s *radiusService) notAdopted(n pppoe.NotAdopted, r state.Record) {
	if s == nil || s.accounting == nil {
		return
	}
	record, _ := pppoe.ParseSessionRecord(r[state.Session]) // as far as it can be read
	counters, _ := pppoe.ParseCounterRecord(r[state.Counters])
	record.SessionInfo = n.Session
	s.accounting.NotAdopted(&record, r[state.Accounting], counters.Counters, errors.Is(n.Err, errOtherBoot))
}

// stopping is called when the server begins to end.
func (s *radiusService) stopping() {
	if s != nil && s.accounting != nil {
		s.accounting.Stopping()
	}
}

// lastRecords is the time for sending records when the server ends. The rest is sent after the next start.
const lastRecords = 5 * time.Second

// close ends everything. The server must have ended.
func (s *radiusService) close() {
	if s == nil {
		return
	}
	if s.coaConn != nil {
		s.coaConn.Close()
		if s.coaDone != nil {
			<-s.coaDone
		}
	}
	if s.accounting != nil {
		if err := s.accounting.Close(lastRecords); err != nil {
			s.log.Error("accounting: " + err.Error())
		}
		a := s.accounting.Stats()
		s.log.Info(fmt.Sprintf("accounting: %d records sent, %d kept for the next start", a.Sent, a.Kept()))
		if a.DroppedInterim+a.DroppedStart+a.DroppedStop > 0 {
			s.log.Warn(fmt.Sprintf("accounting: lost %d interim, %d start and %d stop records", a.DroppedInterim, a.DroppedStart, a.DroppedStop))
		}
	}
	for _, c := range []*radius.Client{s.authClient, s.acctClient} {
		if c == nil {
			continue
		}
		for _, server := range c.Stats().Servers {
			s.logDrops(server.Drops)
		}
		c.Close()
	}
}

func (s *radiusService) logDrops(drops map[error]uint64) {
	for reason, n := range drops {
		s.log.Info(fmt.Sprintf("Dropped %d packets: %v", n, reason))
	}
}
