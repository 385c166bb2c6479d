package main

import (
	"upppoe/internal/config/serverconfig"
)

// prepare reads the files of secrets of another configuration, and returns what makes the service use it
// from then on: for logins, records of accounting and requests of CoA that begin. Whether there are servers,
// accounting and CoA must be as before (KeepFixed). If it has an error, nothing changes.
func (s *radiusService) prepare(c *serverconfig.Config) (use func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	auth, acct, err := s.clientConfigs(c.RADIUS)
	if err != nil {
		return nil, err
	}
	policies := c.RADIUSPolicies()
	changes := []func(){func() { s.options.Store(c); s.auth.SetPolicies(&policies) }}
	add := func(change func(), err error) error {
		changes = append(changes, change)
		return err
	}
	if err := add(s.authClient.Prepare(auth)); err != nil {
		return nil, err
	}
	if s.acctClient != nil {
		if err := add(s.acctClient.Prepare(acct)); err != nil {
			return nil, err
		}
		add(func() { s.accounting.SetInterim(c.RADIUS.Interim) }, nil)
	}
	if s.coa != nil {
		rules, err := coaRules(c.RADIUS, &policies)
		if err != nil {
			return nil, err
		}
		if err := add(s.coa.Prepare(rules)); err != nil {
			return nil, err
		}
	}
	return func() {
		for _, change := range changes {
			change()
		}
	}, nil
}
