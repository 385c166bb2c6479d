package web

// ring has the last values of many, up to max.
type ring[T any] struct {
	all  []T
	next int // where the next one goes, once all are used
	max  int
}

func (r *ring[T]) add(v T) {
	if len(r.all) < r.max {
		r.all = append(r.all, v)
		return
	}
	r.all[r.next] = v
	r.next = (r.next + 1) % r.max
}

// at returns the value at an index, of which the oldest has 0.
func (r *ring[T]) at(i int) *T { return &r.all[(r.next+i)%len(r.all)] }

// last returns the newest value; nil: there is none.
func (r *ring[T]) last() *T {
	if len(r.all) == 0 {
		return nil
	}
	return r.at(len(r.all) - 1)
}

// steps calls do with each value but the oldest, and the one before it.
func (r *ring[T]) steps(do func(before, now *T)) {
	for i := 1; i < len(r.all); i++ {
		do(r.at(i-1), r.at(i))
	}
}
