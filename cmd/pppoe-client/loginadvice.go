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
				ownName(s), filepath.Join(etc, "chap-secrets"))
		}
	case pppoe.Ended:
		switch {
		case e.Reason.Cause == session.PeerNotAuthenticated && e.Reason.Text == session.RefusedToAuthenticate:
			return fmt.Sprintf("Providers do not prove who they are: add noauth behind %s", authOption(s))
		case e.Uptime == 0 && ownName(s) == "" && slices.Contains(rejections, e.Reason.Cause):
			return "No user is given, and a concentrator that asks who we are ends the session: add user NAME and password-file FILE"
		}
	}
	return ""
}

// rejections are how a session ends that a concentrator has no wish for.
var rejections = []session.Cause{session.HangUp, session.PeerTerminated, session.NotNegotiated, session.NotAuthenticated}

// ownName is who we are; empty: nobody.
func ownName(s *pppd.Settings) string {
	if s.User == "" {
		return s.Name
	}
	return s.User
}

// authOption is the word that demands a proof of the peer, and where it stands.
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
