package coa

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/vendors/mikrotik"
	"layeh.com/radius/vendors/wispr"
)

// messages is a slog.Handler that writes messages only.
type messages struct{ to *strings.Builder }

func (messages) Enabled(context.Context, slog.Level) bool { return true }
func (m messages) WithAttrs([]slog.Attr) slog.Handler     { return m }
func (m messages) WithGroup(string) slog.Handler          { return m }
func (m messages) Handle(_ context.Context, r slog.Record) error {
	_, err := m.to.WriteString(r.Message)
	return err
}

// TestLog: the log line of a request has its sender, the user and the values, escaped and bounded.
func TestLog(t *testing.T) {
	for _, c := range []struct {
		code layeh.Code
		add  func(*layeh.Packet)
		want string
	}{
		{layeh.CodeDisconnectRequest, func(*layeh.Packet) {}, `ended 1 session(s) on request of 192.0.2.1, the first of 02:00:00:00:00:01 on eth1.10, user "al\033ice"`},
		{layeh.CodeCoARequest, func(p *layeh.Packet) {
			wispr.WISPrBandwidthMaxDown_Set(p, 20_000_000)
			rfc2865.SessionTimeout_Set(p, 3_600_000)
		}, `user "al\033ice": rate-down 20000, session-timeout 3600000`},
		{layeh.CodeCoARequest, func(p *layeh.Packet) { // the values that the session has
			wispr.WISPrBandwidthMaxUp_Set(p, 1)
			rfc2865.FilterID_SetString(p, "old")
		}, `: rate-up 0.001, filter-id "old"`},
		{layeh.CodeCoARequest, func(p *layeh.Packet) {
			mikrotik.MikrotikRateLimit_SetString(p, "3M/0")
			rfc2865.IdleTimeout_Set(p, 0)
			rfc2869.AcctInterimInterval_Set(p, 0)
			rfc2865.Class_Set(p, []byte("x"))
		}, ": rate-up 3000, rate-down 0, idle-timeout 0, interim-interval 0, class"},
		{layeh.CodeCoARequest, func(p *layeh.Packet) {
			for range 9 {
				rfc2865.FramedRoute_AddString(p, "198.51.100.8/29 0.0.0.0 1")
			}
			rfc2865.FilterID_SetString(p, "\n"+strings.Repeat("x", 200))
		}, `: framed-route 198.51.100.8/29 198.51.100.8/29 198.51.100.8/29 and 6 more, filter-id "\012` + strings.Repeat("x", 60) + `..."`},
		{layeh.CodeCoARequest, func(p *layeh.Packet) { rfc2865.ReplyMessage_SetString(p, "x"); rfc2865.FramedProtocol_Set(p, 1) }, ": nothing that has an effect"},
	} {
		s, all := newServer(t)
		for i := range all.all {
			if all.all[i].Generation == 1 {
				all.all[i].User = "al\x1bice"
			}
		}
		var log strings.Builder
		s.cfg.Log = slog.New(messages{&log})
		if code, cause := ask(t, s, request(c.code, func(p *layeh.Packet) {
			rfc2866.AcctSessionID_SetString(p, nas.SessionID(1))
			c.add(p)
		})); cause != 0 {
			t.Errorf("%v, %v", code, cause)
		}
		if !strings.HasSuffix(log.String(), c.want) {
			t.Errorf("%s\nwant\n%s", log.String(), c.want)
		}
	}
}
