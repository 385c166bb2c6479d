package limit

// table has the buckets of the clients, or VLANs, that sent most lately. Its size is fixed: a new
// one replaces the least busy of the few that share its set. So forged addresses can make it
// forget who sent little, whose bucket is about that of a new one; they cannot make it refuse
// anybody else, nor forget who sends most.
type table [1024]set

type set [4]entry

type entry struct {
	key uint64
	shared
}

// bucket returns the bucket of a key.
func (t *table) bucket(key uint64) *shared {
	s := &t[key%uint64(len(t))]
	least := 0
	for i := range s {
		if s[i].key == key {
			return &s[i].shared
		}
		if s[i].all < s[least].all {
			least = i
		}
	}
	s[least] = entry{key: key}
	return &s[least].shared
}
