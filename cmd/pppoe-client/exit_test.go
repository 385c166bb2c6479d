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
		{&pppoe.EndError{Reason: session.Reason{Cause: session.CauseNetworkConfigFailed}, Err: tun.ErrNoDevice}, 4},
		{end(session.CauseNetworkConfigFailed), 1},
		{end(session.CauseUserRequest), 5},
		{afpacket.ErrNoInterface, 7},
		{fmt.Errorf("%w: nobody", pppoe.ErrDiscovery), 8},
		{end(session.CauseNotNegotiated), 10},
		{end(session.CausePeerNotAuthenticated), 11},
		{end(session.CauseIdle), 12},
		{end(session.CauseExpired), 13},
		{end(session.CausePeerDead), 15},
		{end(session.CauseHangUp), 16},
		{&pppoe.EndError{Reason: session.Reason{Cause: session.CauseHangUp}, Err: afpacket.ErrNoInterface}, 16},
		{end(session.CausePeerTerminated), 16},
		{end(session.CauseLooped), 17},
		{end(session.CauseNotAuthenticated), 19},
		{end(session.CauseExhausted), 20},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}
