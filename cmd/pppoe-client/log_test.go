package main

import (
	"errors"
	"testing"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// TestEndText: a reason that is in the log, or a requested end, is not reported; that an interface
// without carrier ended a dial is.
func TestEndText(t *testing.T) {
	hangUp := session.Reason{Cause: session.CauseHangUp, Text: "interface lo is without carrier"}
	for _, c := range []struct {
		err   error
		iface string
		want  string
	}{
		{nil, "lo", ""},
		{errors.New("no memory"), "lo", "no memory"},
		{&pppoe.EndError{Reason: hangUp, Err: errors.New("no device")}, "lo", "no device"},
		{&pppoe.EndError{Reason: hangUp, AC: wire.Addr{2, 1}}, "lo", ""},
		{&pppoe.EndError{Reason: session.Reason{Cause: session.CauseUserRequest}}, "lo", ""},
		{&pppoe.EndError{Reason: hangUp}, "lo", "interface lo is without carrier"},
		{&pppoe.EndError{Reason: hangUp}, "nowhere0", "interface nowhere0 does not exist"},
	} {
		if got := endText(c.err, c.iface); got != c.want {
			t.Errorf("%v on %s: %q, want %q", c.err, c.iface, got, c.want)
		}
	}
}
