package main

import (
	"errors"
	"strings"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// expectation is the set of expected concentrators; empty if all are accepted.
type expectation []expected

// expected is an expected concentrator: its address, or else its name.
type expected struct {
	addr wire.Addr
	name string
}

func parseExpectation(words []string) (all expectation, err error) {
	for _, word := range words {
		if word == "" {
			return nil, errors.New("--expect takes an Ethernet address, or an AC-Name")
		}
		addr, err := wire.ParseAddr(word)
		if err != nil {
			all = append(all, expected{name: word})
			continue
		}
		all = append(all, expected{addr: addr})
	}
	return all, nil
}

func (e expected) String() string {
	if e.name != "" {
		return wire.Escape(e.name)
	}
	return e.addr.String()
}

func (e expected) is(o discovery.Offer) bool {
	if e.name != "" {
		return e.name == o.Name()
	}
	return e.addr == o.AC
}

// unexpected reports whether a concentrator is not one of those expected.
func (all expectation) unexpected(o discovery.Offer) bool {
	for _, e := range all {
		if e.is(o) {
			return false
		}
	}
	return len(all) > 0
}

// missing returns the expected concentrators that are not among the offers.
func (all expectation) missing(offers []discovery.Offer) (missing expectation) {
	for _, e := range all {
		there := false
		for _, o := range offers {
			there = there || e.is(o)
		}
		if !there {
			missing = append(missing, e)
		}
	}
	return missing
}

func (all expectation) String() string {
	var texts []string
	for _, e := range all {
		texts = append(texts, e.String())
	}
	return strings.Join(texts, ", ")
}
