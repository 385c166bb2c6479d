package main

import (
	"cmp"
	"context"
	"errors"

	"upppoe/internal/aaa/coa"
	"upppoe/internal/cluster/allactive"
	"upppoe/pppoe"
)

// configureCoA makes requests of CoA claim in the cluster what sessions are to have.
func (a *allActive) configureCoA(server *pppoe.Server, cfg *coa.Config) {
	if a == nil {
		return
	}
	s := claimingSessions{server, a.member}
	cfg.Sessions, cfg.Claim = s, s.claim
}

// claimingSessions are the sessions of a server whose policies change only as the cluster lets them.
type claimingSessions struct {
	*pppoe.Server
	member *allactive.Member
}

// errOtherPolicy is why a policy does not change: the session has had another one since what it is to have was claimed.
var errOtherPolicy = errors.New("the session has just got another policy: try again")

// ChangePolicy changes a policy if what it is to have is claimed.
func (c claimingSessions) ChangePolicy(key pppoe.SessionKey, change func(*pppoe.SessionPolicy)) error {
	var refused error
	missing := c.Server.ChangePolicy(key, func(p *pppoe.SessionPolicy) {
		changed := *p
		change(&changed)
		if !c.member.Has(key.Generation, wantOfPolicy(&changed)) {
			refused = errOtherPolicy
			return
		}
		*p = changed
	})
	return cmp.Or(missing, refused)
}

// claim is coa.Config.Claim.
func (c claimingSessions) claim(key pppoe.SessionKey, change func(*pppoe.SessionPolicy)) (settle func(changed bool), err error) {
	status, err := c.Session(key)
	if err != nil {
		return func(bool) {}, nil // it has ended
	}
	changed := *status.Policy
	change(&changed)
	before, after := wantOfPolicy(status.Policy), wantOfPolicy(&changed)
	if err := c.member.Change(context.Background(), key.Generation, after); err != nil {
		return nil, err
	}
	return func(is bool) {
		if is {
			c.member.GiveBack(key.Generation, before, after)
		} else {
			c.member.GiveBack(key.Generation, after, before)
		}
	}, nil
}

// wantOfPolicy returns what a session must claim by its policy alone.
func wantOfPolicy(p *pppoe.SessionPolicy) allactive.Want {
	w := wantOf("", p, pppoe.AllowDuplicates, nil)
	w.User, w.Limit = "", 0
	return w
}
