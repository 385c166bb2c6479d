// Package advice explains why an interface cannot be used, or why discovery has found no concentrator
// (RFC 2516 section 5), as far as the client can know, and suggests what to try next. It sends nothing.
package advice

import (
	"errors"
	"fmt"

	"upppoe/internal/host/ifname"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
)

// ExplainInterface adds to an error about an interface that does not exist which ones do.
func ExplainInterface(name string, err error) error {
	if !errors.Is(err, afpacket.ErrNoInterface) {
		return err
	}
	return fmt.Errorf("%w: %s", err, ifname.Existing(name))
}

// Options are a program's options that restrict the search for a concentrator.
type Options struct {
	// Name, Addr and Service are the options that select a concentrator or a service; empty: the
	// program has none.
	Name, Addr, Service string
	// NoHostUniq says how to accept answers without our Host-Uniq.
	NoHostUniq string
}

// Explain returns a line for each concentrator whose answer did not match, and one for the
// obstacle, if there is one. Without either it returns noAnswer, unless that is empty.
func (o *Options) Explain(unmatched []discovery.Unmatched, obstacle, noAnswer string) (lines []string) {
	for _, u := range unmatched {
		line := u.String()
		if try := o.Suggestion(u); try != "" {
			line += ": " + try
		}
		lines = append(lines, line)
	}
	switch {
	case obstacle != "":
		lines = append(lines, obstacle)
	case len(unmatched) == 0 && noAnswer != "":
		lines = append(lines, noAnswer)
	}
	return lines
}

// Suggestion returns what to try after a mismatch; empty: there is no suggestion.
func (o *Options) Suggestion(u discovery.Unmatched) string {
	switch {
	case u.Reason == discovery.NoHostUniq:
		return o.NoHostUniq
	case u.Reason == discovery.WrongACName:
		return suggestOmission(o.Name, "this name")
	case u.Reason == discovery.WrongAddr:
		return suggestOmission(o.Addr, "this address")
	case u.Reason == discovery.WrongService && len(u.Services) == 0:
		return suggestOmission(o.Service, "")
	case u.Reason == discovery.WrongService:
		return suggestOmission(o.Service, "one of these")
	}
	return ""
}

func suggestOmission(option, other string) string {
	switch {
	case option == "":
		return ""
	case other == "":
		return "omit " + option
	}
	return "omit " + option + ", or set it to " + other
}
