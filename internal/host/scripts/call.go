package scripts

import "upppoe/pppoe"

// call is a script's arguments and environment.
type call struct{ args, env []string }

func (s *Runner) ipCall(l pppoe.SessionInfo, a pppoe.Addressing) *call {
	return &call{
		args: s.args(l.Device, s.cfg.Device, speed, a.IPv4.Local.String(), a.IPv4.Remote.String()),
		env:  append(s.env(l), ipv4Env(a.IPv4)...),
	}
}

func (s *Runner) ipv6Call(l pppoe.SessionInfo, a pppoe.Addressing) *call {
	return &call{
		args: s.args(l.Device, s.cfg.Device, speed, a.IPv6.Local.LinkLocal().String(), a.IPv6.Remote.LinkLocal().String()),
		env:  append(s.env(l), ipv6Env(a.IPv6)...),
	}
}

func (s *Runner) authCall(l pppoe.SessionInfo, peer string) *call {
	return &call{
		args: s.args(l.Device, sanitize(peer), s.cfg.User, s.cfg.Device, speed),
		env:  append(s.env(l), "PEERNAME="+sanitize(peer)),
	}
}

func (s *Runner) netCall(l pppoe.SessionInfo) *call {
	return &call{args: s.args(l.Device, s.cfg.Device, speed), env: s.env(l)}
}

// args returns a script's arguments, followed by ipparam if it is set.
func (s *Runner) args(args ...string) []string {
	if s.cfg.IPParam == nil {
		return args
	}
	return append(args, *s.cfg.IPParam)
}
