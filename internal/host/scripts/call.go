package scripts

import "upppoe/pppoe"

// call is a script's arguments and environment.
type call struct{ args, env []string }

// caller makes the calls of one session's scripts, and runs them.
type caller struct {
	cfg        Config
	sessionEnv sessionEnv
}

func (s *caller) ipCall(l pppoe.SessionInfo, a pppoe.Addressing) *call {
	return &call{
		args: s.args(l.Device, s.cfg.Device, speed, a.IPv4.Local.String(), a.IPv4.Remote.String()),
		env:  append(s.env(l), ipv4Env(a.IPv4)...),
	}
}

// ipUpCall is ipCall for ip-up, which gets the addresses from before, if IPCP was open.
func (s *caller) ipUpCall(l pppoe.SessionInfo, e pppoe.Configured) *call {
	c := s.ipCall(l, e.Addressing)
	if old := e.Previous.IPv4; e.Previous.HasIPv4() {
		c.env = append(c.env, "OLDIPLOCAL="+old.Local.String(), "OLDIPREMOTE="+old.Remote.String())
	}
	return c
}

func (s *caller) ipv6Call(l pppoe.SessionInfo, a pppoe.Addressing) *call {
	return &call{
		args: s.args(l.Device, s.cfg.Device, speed, a.IPv6.Local.LinkLocal().String(), a.IPv6.Remote.LinkLocal().String()),
		env:  append(s.env(l), ipv6Env(a.IPv6)...),
	}
}

func (s *caller) authCall(l pppoe.SessionInfo, peer string) *call {
	return &call{
		args: s.args(l.Device, sanitize(peer), s.cfg.User, s.cfg.Device, speed),
		env:  append(s.env(l), "PEERNAME="+sanitize(peer)),
	}
}

func (s *caller) netCall(l pppoe.SessionInfo) *call {
	return &call{args: s.args(l.Device, s.cfg.Device, speed), env: s.env(l)}
}

// args returns a script's arguments, followed by ipparam if it is set.
func (s *caller) args(args ...string) []string {
	if s.cfg.IPParam == nil {
		return args
	}
	return append(args, *s.cfg.IPParam)
}
