package pppd

import (
	"errors"
	"fmt"
	"strings"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
)

// Service is a service that a server offers, with its policy.
type Service struct {
	Name string
	// Policy is the policy of its sessions. Nil, until ResolveServices: that of all sessions, changed by
	// options.
	Policy  *pppoe.SessionPolicy
	options []Word
}

// optionsFollow separates the name of a service from its options, as in an account of a secrets file.
const optionsFollow = " -- "

var errServiceOptions = errors.New("give a Service-Name, or one with options like \"gold -- rate-up 20000 rate-down 100000\": " +
	"they may be source-check, source-allow, rate-up, rate-down, rate-burst, address-pool, ipv6-pool, delegated-pool, max-sessions and vrf")

// ParseService parses the name of a service, and options of its policy after --.
func ParseService(text string) (s Service, err error) {
	name, options, _ := strings.Cut(text, optionsFollow)
	switch {
	case name == "":
		return s, errServiceOptions
	case len(name) > discovery.MaxService:
		return s, fmt.Errorf("give at most %d octets", discovery.MaxService)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\'' }):
		return s, errors.New("use only printable characters other than '")
	}
	lines, err := Lines("", options)
	if err != nil {
		return s, err
	}
	s.Name = name
	for _, line := range lines {
		s.options = append(s.options, line...)
	}
	policy, others, err := changed(pppoe.SessionPolicy{}, s.options)
	if err == nil && (others || len(policy.FramedRoutes) > 0) { // a route is one session's
		err = errServiceOptions
	}
	if err != nil {
		return Service{}, err
	}
	return s, nil
}

// service adds the service of an option.
func (r *Reader) service(at Word, value string) error {
	service, err := ParseService(value)
	if err != nil {
		return errorAt(at, "option %q: %q is not valid: %v", at.Text, value, err)
	}
	r.Settings.AddService(service)
	return nil
}

// AddService adds a service, or replaces that of the same name.
func (s *Settings) AddService(service Service) {
	for i := range s.Services {
		if s.Services[i].Name == service.Name {
			s.Services[i] = service
			return
		}
	}
	s.Services = append(s.Services, service)
}

// ServiceNames returns the names of all services.
func (s *Settings) ServiceNames() (names []string) {
	for _, service := range s.Services {
		names = append(names, service.Name)
	}
	return names
}

// PolicyOf returns the policy of sessions of a service: that of s, changed by the service's options.
func (s *Settings) PolicyOf(service string) pppoe.SessionPolicy {
	for i := range s.Services {
		if of := &s.Services[i]; of.Name == service && of.Policy != nil {
			return *of.Policy
		} else if of.Name == service {
			policy, _, _ := changed(s.Policy, of.options) // ParseService has checked them
			return policy
		}
	}
	return s.Policy
}

// ResolveServices sets the Policy of each service, once all options are read.
func (s *Settings) ResolveServices() {
	for i := range s.Services {
		policy := s.PolicyOf(s.Services[i].Name)
		s.Services[i].Policy, s.Services[i].options = &policy, nil
	}
}

// SessionPolicies returns what PolicyOf does, for sessions of a server, which share the policies.
func (s *Settings) SessionPolicies() func(pppoe.SessionInfo) *pppoe.SessionPolicy {
	by := make(map[string]*pppoe.SessionPolicy)
	for _, name := range s.ServiceNames() {
		policy := s.PolicyOf(name)
		by[name] = &policy
	}
	return func(i pppoe.SessionInfo) *pppoe.SessionPolicy {
		if own := by[i.Service]; own != nil {
			return own
		}
		return &s.Policy
	}
}
