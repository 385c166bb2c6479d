package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// prefixMap returns the map for a prefix, and its key there.
func (e *Engine) prefixMap(device int, p netip.Prefix) (*ebpf.Map, []byte) {
	m := e.maps.prefixes6
	if p.Addr().Is4() {
		m = e.maps.prefixes4
	}
	b := make([]byte, prefixAddress, prefix6Len)
	binary.NativeEndian.PutUint32(b[prefixLen:], uint32(32+p.Bits()))
	binary.NativeEndian.PutUint32(b[prefixDevice:], uint32(device))
	return m, append(b, p.Addr().AsSlice()...)
}

// linkLocal contains addresses that two sessions of a device may have: they are not in the maps.
var linkLocal = netip.MustParsePrefix("fe80::/10")

// mapped returns the prefixes that are in the maps, each once. If there is one, as most sessions have, it
// is the same slice.
func mapped(prefixes []netip.Prefix) (all []netip.Prefix) {
	if len(prefixes) == 1 && prefixes[0] == prefixes[0].Masked() && isMapped(prefixes[0]) {
		return prefixes
	}
	for _, p := range prefixes {
		if p = p.Masked(); isMapped(p) && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func isMapped(p netip.Prefix) bool { return p.IsValid() && !linkLocal.Contains(p.Addr()) }

// setPrefixes replaces the prefixes of a session. After an error some are missing.
func (s *session) setPrefixes(prefixes []netip.Prefix) (err error) {
	e, prefixes := s.engine(), mapped(prefixes)
	had := s.prefixes
	if len(had) == len(prefixes) && !slices.ContainsFunc(had, func(p netip.Prefix) bool { return !slices.Contains(prefixes, p) }) {
		return nil
	}
	s.prefixes = nil
	for _, p := range had {
		if slices.Contains(prefixes, p) {
			s.prefixes = append(s.prefixes, p)
		} else {
			e.deletePrefix(s, p)
		}
	}
	if len(s.prefixes) < len(had) {
		err = s.sourcesChanged()
	}
	for _, p := range prefixes {
		if slices.Contains(had, p) {
			continue
		}
		if failed := e.addPrefix(s, p); failed != nil {
			err = errors.Join(err, fmt.Errorf("prefix %v: %w", p, failed))
			continue
		}
		s.prefixes = append(s.prefixes, p)
	}
	if err == nil {
		s.prefixes = prefixes // which the caller has, too
	}
	e.control.count()
	return err
}

// sourcesChanged has the programs look up sources of the session again.
func (s *session) sourcesChanged() error {
	s.change++
	return s.write()
}

// addPrefix adds a prefix. It may lie within another session's, which loses these addresses.
func (e *Engine) addPrefix(s *session, p netip.Prefix) error {
	m, key := e.prefixMap(s.device.index, p)
	var outer *session
	if slot := uint32(0); s.device.shared && m.Lookup(key, &slot) == nil {
		outer = e.sessionAt(slot)
	}
	if err := m.Put(key, number(s.slot)); errors.Is(err, unix.ENOSPC) {
		return ErrFull
	} else if err != nil {
		return err
	}
	if outer != nil && outer != s {
		return outer.sourcesChanged()
	}
	return nil
}

// deletePrefix deletes a prefix, unless another session of the device has it since.
func (e *Engine) deletePrefix(s *session, p netip.Prefix) {
	m, key := e.prefixMap(s.device.index, p)
	var slot uint32
	if m.Lookup(key, &slot) == nil && slot == s.slot {
		m.Delete(key)
	}
}
