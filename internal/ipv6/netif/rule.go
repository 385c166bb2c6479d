package netif

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Priorities of the two rules, before that of the main table, which is 32766.
const (
	mainPriority  = 9999
	tablePriority = 10000
)

// rules converts a rule for netlink.
func (r Rule) rules() []*netlink.Rule {
	first, second := netlink.NewRule(), netlink.NewRule()
	first.Table, first.Priority, first.SuppressPrefixlen = unix.RT_TABLE_MAIN, mainPriority, 0
	second.Table, second.Priority = r.Table, tablePriority
	for _, rule := range []*netlink.Rule{first, second} {
		rule.Family, rule.Src = netlink.FAMILY_V6, ipNet(r.From)
	}
	return []*netlink.Rule{first, second}
}

// setRule accepts an existing rule, which a crash may have left.
func (k *Kernel) setRule(r Rule) error {
	for _, rule := range r.rules() {
		if err := k.handle.RuleAdd(rule); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add rule from %v lookup %d: %w", r.From, rule.Table, err)
		}
	}
	k.actual.Rules[r] = true
	return nil
}

func (k *Kernel) removeRule(r Rule) error {
	delete(k.actual.Rules, r)
	var errs []error
	for _, rule := range r.rules() {
		if err := k.handle.RuleDel(rule); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("remove rule from %v lookup %d: %w", r.From, rule.Table, err))
		}
	}
	return errors.Join(errs...)
}
