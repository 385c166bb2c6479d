package main

import (
	"log/slog"

	"upppoe/internal/aaa"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/scripts"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
)

// hostOf returns what configures the devices and addresses of sessions.
func hostOf(c *serverconfig.Config, around *sessionScripts, log *slog.Logger) *netconfig.Configurer {
	s := c.Options
	return &netconfig.Configurer{
		MTU: s.MTU, DataPath: s.DataPath, Queues: s.Queues, ProxyARP: s.ProxyARP, KernelTune: s.KernelTune,
		PreUp: around.preUp, MayPreUp: around.mayPreUp, Log: log,
	}
}

// scriptsOf returns the configuration of sessions' scripts, without the device name.
func scriptsOf(c *serverconfig.Config, log *slog.Logger) scripts.Config {
	s := c.Options
	return scripts.Config{
		Dir: c.ScriptDirectory, Paths: s.Scripts, IPParam: s.IPParam, Unit: -1, User: c.Name(), Env: s.ScriptEnv, Timeout: s.ChildTimeout, Log: log,
	}
}

// poolOf returns the pool of IPv4 addresses, and the limits of sessions.
func poolOf(c *serverconfig.Config) pppoe.Pool {
	return pppoe.Pool{Max: c.Sessions.Max, MaxPerClient: c.Sessions.MaxPerClient, First: c.IPv4.First}
}

// serverConfig returns the configuration of the server, without Network and Notify. Errors in the files of
// accounts are logged. before is the authenticator that the server had until now; nil if none.
func serverConfig(c *serverconfig.Config, before pppoe.Authenticator, log *slog.Logger) pppoe.ServerConfig {
	s := c.Options
	cfg := pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: c.ACName(), Services: s.ServiceNames()},
		Session:      s.Session(),
		Pool:         poolOf(c),
		Pools:        c.Pools,
		DefaultPool:  c.IPv4.Pool,
		SessionIDs:   c.Sessions.IDs,
		Duplicates:   c.Sessions.Duplicates,
		KeepOlder:    c.Sessions.Duplicates == pppoe.RefuseDuplicate,
		DataPath:     s.DataPath,

		LocalPerSession: c.IPv4.LocalPerSession,
		Limits:          s.Limits(),
		Access:          s.AccessConfig(),

		RemoteIDByAddr: s.RemoteIDByAddr(),
		MSS:            c.MSS(),
		Trace:          s.Debug,
	}
	cfg.Session.Name = c.Name()
	if v4 := cfg.Session.IPv4; v4 != nil {
		v4.Local = c.IPv4.Local
	}
	cfg.Session.LCP.RequireAuth = s.RequireAuth()
	setAuthenticator(&cfg, c, before, log)
	cfg.Policy = s.SessionPolicies()
	return cfg
}

// setAuthenticator sets who authenticates clients, and by what the server authenticates itself.
func setAuthenticator(cfg *pppoe.ServerConfig, c *serverconfig.Config, before pppoe.Authenticator, log *slog.Logger) {
	s := c.Options
	authenticator := aaa.NewFileAuthenticator("", c.Name(), cfg.Pool.First.IsValid() || len(cfg.Pools) > 0, log)
	authenticator.Defaults, authenticator.EnforceAddresses = s, true
	authenticator.SetFiles(c.CHAPSecrets(), c.PAPSecrets())
	if is, ok := before.(*aaa.FileAuthenticator); ok {
		authenticator.InheritCache(is)
	}
	if len(c.RADIUS.Servers) == 0 {
		authenticator.CheckFiles(cfg.Session.LCP.RequireAuth)
	}
	if len(cfg.Session.LCP.RequireAuth) > 0 { // without it we authenticate to nobody: see ppp.MarkChallenge
		cfg.Session.LCP.AllowAuth, cfg.Session.PeerAuthFirst = authenticator.OwnMethods(s.AllowAuth()), true
		cfg.Session.Credentials = ppp.Credentials{Name: c.Name(), Secret: func(string) ([]byte, bool) { return nil, false }}
	}
	cfg.Authenticator = authenticator
}
