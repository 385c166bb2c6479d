package main

import (
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
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/pppoe"
)

// radiusService authenticates clients by RADIUS servers and accounts for sessions, and lets servers
// change and end them. A nil one does nothing.
type radiusService struct {
	nas        *radius.NAS
	log        *slog.Logger
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
func newRADIUS(c *serverconfig.Config, log *slog.Logger) (*radiusService, error) {
	r := c.RADIUS
	if len(r.Servers) == 0 {
		return nil, nil
	}
	s := &radiusService{log: log}
	s.options.Store(c)
	nas := &radius.NAS{Identifier: r.NASIdentifier, IPv4: r.NASIPv4, IPv6: r.NASIPv6, PPPoEPortType: r.PPPoEPortType, Started: time.Now()}
	s.nas = nas
	if nas.Identifier == "" {
		nas.Identifier = c.ACName()
	}
	policies := c.RADIUSPolicies()
	auth, acct, err := s.clientsOf(r)
	if err != nil {
		return nil, err
	}
	s.auth = radius.NewAuthenticator(radius.Config{NAS: nas, Policies: policies, Base: s.base, Log: log}, auth)
	if acct != nil {
		if err := s.openAccounting(r, nas, acct); err != nil {
			return nil, err
		}
	}
	return s, s.openCoA(r, nas, &policies)
}

// clientsOf makes the clients of authentication and of accounting; the latter is nil without one.
func (s *radiusService) clientsOf(r serverconfig.RADIUS) (auth, acct *radius.Client, err error) {
	authConfig, acctConfig := r.Client, r.Client
	for _, one := range r.Servers {
		secret, err := s.secret(one.Secret, one.SecretFile)
		if err != nil {
			return nil, nil, err
		}
		authConfig.Servers = append(authConfig.Servers, radius.Server{Addr: netip.AddrPortFrom(one.Addr, uint16(one.Auth)), Secret: secret})
		if one.Acct != 0 {
			acctConfig.Servers = append(acctConfig.Servers, radius.Server{Addr: netip.AddrPortFrom(one.Addr, uint16(one.Acct)), Secret: secret})
		}
	}
	authConfig.Log, acctConfig.Log = s.log, s.log
	if auth, err = radius.NewClient(authConfig); err != nil {
		return nil, nil, err
	}
	s.authClient = auth
	if len(acctConfig.Servers) == 0 {
		return auth, nil, nil
	}
	if acct, err = radius.NewClient(acctConfig); err == nil {
		s.acctClient = acct
	}
	return auth, acct, err
}

// secret returns a secret, or the first line of its file.
func (s *radiusService) secret(text, file string) ([]byte, error) {
	if file == "" {
		return []byte(text), nil
	}
	secret, warning, err := secrets.PasswordFromFile(file)
	if warning != "" {
		s.log.Warn(warning)
	}
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
	s.accounting, err = accounting.New(accounting.Config{Client: client, NAS: nas, Interim: r.Interim, Spool: spool, MaxSpool: r.MaxSpool, Log: s.log})
	return err
}

func (s *radiusService) openCoA(r serverconfig.RADIUS, nas *radius.NAS, policies *radius.Policies) (err error) {
	if !r.CoA.Listen.IsValid() {
		return nil
	}
	s.coaConfig = coa.Config{NAS: nas, Policies: policies, RequireTimestamp: r.CoA.RequireTimestamp, RequireMessageAuthenticator: r.CoA.RequireMessageAuthenticator, Log: s.log}
	for _, one := range r.CoAClients {
		secret, err := s.secret(one.Secret, one.SecretFile)
		if err != nil {
			return err
		}
		s.coaConfig.Clients = append(s.coaConfig.Clients, coa.Client{Prefix: one.Prefix, Secret: secret})
	}
	s.coaConn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(r.CoA.Listen))
	return err
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

// use makes a configuration the base of what servers grant from now on.
func (s *radiusService) use(c *serverconfig.Config) {
	if s != nil {
		s.options.Store(c)
	}
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
func (s *radiusService) start(server *pppoe.Server) (err error) {
	if s == nil {
		return nil
	}
	if s.accounting != nil {
		s.accounting.Start(server)
	}
	if s.coaConn == nil {
		return nil
	}
	s.coaConfig.Sessions = server
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
