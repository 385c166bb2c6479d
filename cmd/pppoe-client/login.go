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

// adviseLogin says what to add to the options when a session ends for what they lack.
func (p *program) adviseLogin(event pppoe.Event) {
	if text := loginAdvice(p.settings, event); text != "" {
		p.log.Info(text)
	}
}

// loginAdvice is the advice; empty: there is none.
func loginAdvice(s *pppd.Settings, event pppoe.Event) string {
	switch e := event.(type) {
	case session.AuthFailed:
		if !e.Peer && strings.Contains(e.Message, "secret found for authenticating us") {
			return fmt.Sprintf("There is no password for %q: add password-file FILE, or a line for it to %s (for PAP: pap-secrets)",
				nameOf(s), filepath.Join(etc, "chap-secrets"))
		}
	case pppoe.Ended:
		switch {
		case e.Reason.Cause == session.PeerNotAuthenticated && e.Reason.Text == session.RefusedToAuthenticate:
			return fmt.Sprintf("Providers do not prove who they are: add noauth behind %s", demandOf(s))
		case e.Uptime == 0 && nameOf(s) == "" && slices.Contains(refusals, e.Reason.Cause):
			return "No user is given, and a concentrator that asks who we are ends the session: add user NAME and password-file FILE"
		}
	}
	return ""
}

// refusals are how a session ends that a concentrator has no wish for.
var refusals = []session.Cause{session.HangUp, session.PeerTerminated, session.NotNegotiated, session.NotAuthenticated}

// nameOf is who we are; empty: nobody.
func nameOf(s *pppd.Settings) string {
	if s.User == "" {
		return s.Name
	}
	return s.User
}

// demandOf is the word that demands a proof of the peer, and where it stands.
func demandOf(s *pppd.Settings) string {
	for _, g := range slices.Backward(s.Given) {
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
