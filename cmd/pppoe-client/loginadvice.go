package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// adviseLogin logs which option to add when a session ends for lack of it.
func (p *program) adviseLogin(event pppoe.Event) {
	if text := loginAdvice(p.settings, event); text != "" {
		p.log.Warn(text)
	}
}

// loginAdvice returns the advice; empty if there is none.
func loginAdvice(s *pppd.Settings, event pppoe.Event) string {
	switch e := event.(type) {
	case session.AuthFailed:
		if !e.Peer && strings.Contains(e.Message, "secret found for authenticating us") {
			return fmt.Sprintf("No password for %q: add password-file FILE, or a line for it to %s (for PAP: pap-secrets)",
				ownName(s), filepath.Join(etc, "chap-secrets"))
		}
	case pppoe.Ended:
		switch {
		case e.Reason.Cause == session.CausePeerNotAuthenticated && e.Reason.Text == session.RefusedToAuthenticate:
			return fmt.Sprintf("Providers do not authenticate themselves: add noauth after %s", authOption(s))
		case e.Uptime == 0 && ownName(s) == "" && slices.Contains(rejections, e.Reason.Cause):
			return "No user is given, and a concentrator that requires authentication ends the session: add user NAME and password-file FILE"
		}
	}
	return ""
}

// rejections are the causes with which a session ends that a concentrator rejects.
var rejections = []session.Cause{session.CauseHangUp, session.CausePeerTerminated, session.CauseNotNegotiated, session.CauseNotAuthenticated}

// ownName returns our name for authentication; empty if none is given.
func ownName(s *pppd.Settings) string {
	if s.User == "" {
		return s.Name
	}
	return s.User
}

// authOption returns the option that requires authentication of the peer, and its place.
func authOption(s *pppd.Settings) string {
	for _, g := range slices.Backward(s.Parsed) {
		if g.Name == "auth" || strings.HasPrefix(g.Name, "require-") || slices.Contains([]string{"+chap", "+pap", "+mschap-v2"}, g.Name) {
			where := g.Where
			if where == "" {
				where = "the command line"
			}
			return fmt.Sprintf("%s (%s)", g.Name, where)
		}
	}
	return "the other options"
}
