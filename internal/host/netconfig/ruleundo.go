package netconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/undolog"
)

// policyRule makes packets from an address, or bound to a device, use the session's table. It does
// not go with the device.
type policyRule struct {
	Family int        `json:"family"`
	From   netip.Addr `json:"from"` // invalid: any
	Device string     `json:"device,omitempty"`
	Table  int        `json:"table"`
}

func (r policyRule) String() string {
	if r.From.IsValid() {
		return fmt.Sprintf("from %v", r.From)
	}
	return "oif " + r.Device
}

// netlinkRule returns the rule as package netlink has it.
func (r policyRule) netlinkRule() *netlink.Rule {
	rule := netlink.NewRule()
	rule.Family, rule.OifName, rule.Table, rule.Priority = r.Family, r.Device, r.Table, rulePriority
	if r.From.IsValid() {
		rule.Src = hostPrefix(r.From)
	}
	return rule
}

// addRule adds a rule, after it was recorded in RuleUndoFile.
func (h *Configurer) addRule(r policyRule) (undo func() error, err error) {
	h.updateRules(func(rules []policyRule) []policyRule { return append(rules, r) })
	forget := func() {
		h.updateRules(func(rules []policyRule) []policyRule {
			return slices.DeleteFunc(rules, func(o policyRule) bool { return o == r })
		})
	}
	if err := netlink.RuleAdd(r.netlinkRule()); err != nil {
		forget()
		if errors.Is(err, unix.EEXIST) { // the administrator's, which stays
			err = nil
		}
		return nil, err
	}
	return func() error {
		err := netlink.RuleDel(r.netlinkRule())
		forget()
		return err
	}, nil
}

func (h *Configurer) updateRules(change func([]policyRule) []policyRule) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules = change(h.rules)
	if h.RuleUndoFile == "" {
		return
	}
	var err error
	if len(h.rules) > 0 {
		err = undolog.Write(h.RuleUndoFile, h.rules)
	} else {
		err = undolog.Remove(h.RuleUndoFile)
	}
	if err != nil {
		h.Log.Debug(fmt.Sprintf("policy rules will not be removed if this program is killed: %v", err))
	}
}

// removeRulesAfterCrash removes the rules of a program that was killed.
func (h *Configurer) removeRulesAfterCrash() error {
	var left []policyRule
	if _, err := undolog.Read(h.RuleUndoFile, &left); err != nil {
		return err
	}
	for _, r := range left {
		if err := netlink.RuleDel(r.netlinkRule()); err != nil && !isGone(err) {
			return fmt.Errorf("%v lookup %d: %w", r, r.Table, err)
		}
	}
	return undolog.Remove(h.RuleUndoFile)
}
