package pppoe_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// limited is an Authenticator of users who may have two sessions each, whatever the case of their names.
type limited struct{ anyUser }

func (p limited) Authenticate(ctx context.Context, l pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	result := p.anyUser.Authenticate(ctx, l, r)
	result.Policy = &pppoe.SessionPolicy{MaxSessions: 2, Account: strings.ToLower(r.User())}
	return result
}

// TestDuplicates: what becomes of a further session of a user, on two interfaces, and that another user's
// does not matter.
func TestDuplicates(t *testing.T) {
	for _, c := range []struct {
		what       string
		duplicates pppoe.Duplicates
		accounts   pppoe.Authenticator
		users      string // of sessions that begin one after the other
		online     []int  // afterwards
		refused    int
		addresses  string // of those that are online
	}{
		{"allow", pppoe.AllowDuplicates, anyUser{}, "alice alice alice", []int{0, 1, 2}, 0, "10 11 12"},
		{"replace", pppoe.ReplaceDuplicate, anyUser{}, "alice bob alice", []int{1, 2}, 0, "11 10"},
		{"replace again", pppoe.ReplaceDuplicate, anyUser{}, "alice alice alice", []int{2}, 0, "10"},
		{"refuse", pppoe.RefuseDuplicate, anyUser{}, "alice bob alice", []int{0, 1}, 1, "10 11"},
		{"two, allow", pppoe.AllowDuplicates, limited{}, "alice Alice ALICE bob", []int{0, 1, 3}, 1, "10 11 12"},
		{"two, replace", pppoe.ReplaceDuplicate, limited{}, "alice Alice ALICE bob", []int{1, 2, 3}, 0, "11 12 13"},
		{"two, refuse", pppoe.RefuseDuplicate, limited{}, "alice Alice ALICE bob", []int{0, 1, 3}, 1, "10 11 12"},
		{"by case", pppoe.RefuseDuplicate, anyUser{}, "alice Alice", []int{0, 1}, 0, "10 11"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, second := newLab(t, ethertest.Config{}), ethertest.New(ethertest.Config{})
				l.server.Authenticator, l.server.Duplicates, l.server.Pool.Max = c.accounts, c.duplicates, 8
				l.startListeners(pppoe.Listener{Interface: "s", Ports: l.segment.Ports(serverAddr)}, pppoe.Listener{Interface: "s2", Ports: second.Ports(serverAddr)})
				var all []*lab
				for i, user := range strings.Fields(c.users) {
					segment := l.segment
					if i%2 == 1 {
						segment = second
					}
					one := l.secondClient(segment)
					address := wire.Addr{2, 30, byte(i)}
					one.client.OpenPorts = func() (pppoe.Ports, error) { return segment.Ports(address), nil }
					one.client.Session.Credentials.Name = user
					one.startClient()
					time.Sleep(5 * time.Second)
					synctest.Wait()
					all = append(all, one)
				}
				var online []int
				var addresses []string
				for i, one := range all {
					if count[pppoe.SessionEstablished](&one.clientEvents) > count[pppoe.Ended](&one.clientEvents) {
						online = append(online, i)
						got, _ := last[pppoe.Configured](&one.clientEvents)
						addresses = append(addresses, strings.TrimPrefix(got.IPv4.Local.String(), "192.0.2."))
					}
				}
				if got := strings.Join(addresses, " "); len(online) != len(c.online) || got != c.addresses {
					t.Errorf("online are %v with %s, want %v with %s", online, got, c.online, c.addresses)
				}
				if e, _ := last[session.AuthFailed](&l.serverEvents); (c.refused > 0) != strings.Contains(e.Message, "sessions already") || count[session.AuthFailed](&l.serverEvents) < c.refused {
					t.Errorf("%d are refused, the last with %q", count[session.AuthFailed](&l.serverEvents), e.Message)
				}
				for _, one := range all {
					one.stopClient()
				}
				l.startClient()
				l.stop()
			})
		})
	}
}
