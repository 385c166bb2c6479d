package pppdlog

import (
	"bytes"
	"strings"

	"upppoe/chap"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

func (el *EventLogger) authenticated(l pppoe.SessionInfo, e session.Authenticated) {
	if e.Repeated {
		return
	}
	name := e.Method.Name()
	switch {
	case e.Peer:
		el.info(l, `Peer "%s" authenticated with %s`, wire.EscapeName(e.Name), name)
		return
	case e.Message != "":
		el.info(l, "%s authentication succeeded: %s", name, wire.EscapeText(e.Message))
	}
	el.info(l, "%s authentication succeeded", name)
}

func (el *EventLogger) authFailed(l pppoe.SessionInfo, e session.AuthFailed) {
	name := e.Method.Name()
	if e.Peer {
		el.error(l, `Peer "%s" failed %s authentication`, wire.EscapeName(e.Name), name)
		if e.Message != "" {
			el.error(l, `Login of "%s" from %v refused: %s`, wire.EscapeName(e.Name), l.Peer, wire.EscapeText(e.Message))
		}
		return
	}
	if e.Message != "" {
		el.error(l, "%s authentication failed: %s", name, wire.EscapeText(e.Message))
	}
	el.error(l, "%s authentication failed", name)
}

// methodRefused logs which method the peer requires, and how to enable it.
func (el *EventLogger) methodRefused(l pppoe.SessionInfo, e session.UnsupportedAuthMethod) {
	wanted, whatToDo := trace.AuthName(e.Requested), "no name is configured: set option user"
	switch {
	case el.Server:
		whatToDo = "no secret is configured for it, or it is not offered"
	case bytes.Equal(e.Requested, chap.MSv1.Option()):
		whatToDo = "MS-CHAP version 1 is weak and disabled: option allow-mschap-v1 enables it"
	case len(e.Allowed) > 0:
		var names []string
		for _, m := range e.Allowed {
			names = append(names, trace.AuthName(m.Option()))
		}
		whatToDo = "we offer " + strings.Join(names, ", ")
	}
	el.error(l, "Peer insists on authentication by %s: %s", wanted, whatToDo)
}
