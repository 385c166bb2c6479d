package allactive

import (
	"strconv"
	"testing"
)

// FuzzKeys: the keys of blocks and questions that are parsed are the same when they are written and parsed again.
func FuzzKeys(f *testing.F) {
	f.Add("block/172.16.0.0/26")
	f.Add("block/2001:db8::/57")
	f.Add("17/user/alice/0")
	f.Fuzz(func(t *testing.T, key string) {
		if p, ok := parseBlock(key); ok {
			if again, ok := parseBlock(blockOf(p)); !ok || again != p {
				t.Errorf("%v is %v, %v", p, again, ok)
			}
		}
		if revision, about, ok := parseQuestion(key); ok {
			r, a, ok := parseQuestion(strconv.FormatInt(revision, 10) + "/" + about)
			if !ok || r != revision || a != about {
				t.Errorf("%d, %q is %d, %q, %v", revision, about, r, a, ok)
			}
		}
	})
}
