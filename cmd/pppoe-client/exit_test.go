package main

import (
	"errors"
	"fmt"
	"testing"

	"upppoe/internal/config/pppd"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/tun"
)

func TestExitCode(t *testing.T) {
	end := func(c session.Cause) error { return &pppoe.EndError{Reason: session.Reason{Cause: c}} }
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("something"), 1},
		{&pppd.Error{}, 2},
		{fmt.Errorf("eth0: %w", afpacket.ErrSource), 2},
		{fmt.Errorf("ppp/0: %w", tun.ErrName), 2},
		{fmt.Errorf("eth0: %w", afpacket.ErrPermission), 3},
		{fmt.Errorf("ppp0: %w", tun.ErrPermission), 3},
		{&pppoe.EndError{Reason: session.Reason{Cause: session.NetworkConfigFailed}, Err: tun.ErrNoDevice}, 4},
		{end(session.NetworkConfigFailed), 1},
		{end(session.UserRequest), 5},
		{afpacket.ErrNoInterface, 7},
		{fmt.Errorf("%w: nobody", pppoe.ErrDiscovery), 8},
		{end(session.NotNegotiated), 10},
		{end(session.PeerNotAuthenticated), 11},
		{end(session.Idle), 12},
		{end(session.Expired), 13},
		{end(session.PeerDead), 15},
		{end(session.HangUp), 16},
		{&pppoe.EndError{Reason: session.Reason{Cause: session.HangUp}, Err: afpacket.ErrNoInterface}, 16},
		{end(session.PeerTerminated), 16},
		{end(session.Looped), 17},
		{end(session.NotAuthenticated), 19},
		{end(session.Exhausted), 20},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}
