package netif

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"

	"upppoe/internal/host/undolog"
)

// undoRecord is what is set outside the session's device, which remains after a crash.
type undoRecord struct {
	Addresses []AddressKey `json:",omitempty"`
	Routes    []RouteKey   `json:",omitempty"`
	Rules     []Rule       `json:",omitempty"`
}

func (s Config) undoRecord(device string) (l undoRecord) {
	for key := range s.Addresses {
		if key.Interface != device {
			l.Addresses = append(l.Addresses, key)
		}
	}
	for key := range s.Routes {
		if key.Device != device {
			l.Routes = append(l.Routes, key)
		}
	}
	l.Rules = slices.Collect(maps.Keys(s.Rules))
	slices.SortFunc(l.Addresses, func(a, b AddressKey) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.Prefix.String(), b.Prefix.String()))
	})
	slices.SortFunc(l.Routes, func(a, b RouteKey) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.To.String(), b.To.String()), a.Table-b.Table, a.Metric-b.Metric)
	})
	slices.SortFunc(l.Rules, func(a, b Rule) int { return cmp.Or(cmp.Compare(a.From.String(), b.From.String()), a.Table-b.Table) })
	return l
}

func (l undoRecord) config() Config {
	s := NewConfig()
	for _, key := range l.Addresses {
		s.Addresses[key] = Address{}
	}
	for _, key := range l.Routes {
		s.Routes[key] = Route{}
	}
	for _, rule := range l.Rules {
		s.Rules[rule] = true
	}
	return s
}

func (l undoRecord) empty() bool { return len(l.Addresses)+len(l.Routes)+len(l.Rules) == 0 }

func (l undoRecord) interfaces() (names []string) {
	for _, key := range l.Addresses {
		names = append(names, key.Interface)
	}
	for _, key := range l.Routes {
		if key.Device != "" {
			names = append(names, key.Device)
		}
	}
	return names
}

// Recover removes what an earlier process left according to the undo log at path, and from then on
// records in it what is set outside the session's device. It must be called before Apply.
func (k *Kernel) Recover(now time.Time, path, device string) error {
	k.undoPath, k.device = path, device
	var left undoRecord
	found, err := undolog.Read(path, &left)
	if err != nil || !found {
		return err
	}
	k.actual, k.recorded = left.config(), left
	for _, name := range left.interfaces() {
		if d, err := k.Find(name); err == nil {
			k.indexes[name] = d.Index
		}
	}
	if err := k.Verify(); err != nil {
		return err
	}
	return k.Apply(now, NewConfig())
}

// record writes what is set and what is to be set to the undo log. If that fails, a crash leaves it
// behind.
func (k *Kernel) record(want Config) {
	if k.undoPath == "" {
		return
	}
	both := NewConfig()
	for _, s := range []Config{k.actual, want} {
		maps.Copy(both.Addresses, s.Addresses)
		maps.Copy(both.Routes, s.Routes)
		maps.Copy(both.Rules, s.Rules)
	}
	is := both.undoRecord(k.device)
	switch {
	case reflect.DeepEqual(is, k.recorded):
		return
	case is.empty():
		undolog.Remove(k.undoPath)
	default:
		undolog.Write(k.undoPath, is)
	}
	k.recorded = is
}
