package servercontrol

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestFields: each field of each object is described, and nothing else.
func TestFields(t *testing.T) {
	for _, c := range []struct {
		of     any
		fields []Field
		others []string // fields that only a client's objects have
	}{
		{Session{}, SessionFields, nil},
		{Stats{}, StatsFields, nil},
		{Status{}, StatusFields, nil},
		{Pool{}, PoolFields, nil},
		{Event{}, EventFields, []string{"ac", "ac_name", "for"}},
	} {
		var described []string
		for _, f := range c.fields {
			described = append(described, strings.Split(f.Name, ", ")...)
		}
		is := slices.DeleteFunc(fieldNames(reflect.TypeOf(c.of)), func(name string) bool { return slices.Contains(c.others, name) })
		slices.Sort(described)
		slices.Sort(is)
		if !slices.Equal(is, described) {
			t.Errorf("%T has\n%q\ndescribed are\n%q", c.of, is, described)
		}
	}
}

// fieldNames returns the names in JSON of a struct's fields, and of those that it embeds.
func fieldNames(of reflect.Type) (names []string) {
	for f := range of.Fields() {
		if f.Anonymous {
			names = append(names, fieldNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
