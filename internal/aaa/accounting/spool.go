package accounting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// store keeps records in order. The sender alone uses it.
type store interface {
	// add stores records, which have their numbers then.
	add([]record) error
	// first returns up to n records after a number.
	first(after uint64, n int) ([]record, error)
	// remove removes records by their numbers.
	remove([]uint64) error
	len() int
	close() error
}

// spool is a store on disk.
type spool struct {
	db    *bbolt.DB
	count int
}

var bucketName = []byte("records")

// errDamaged reports a file whose pages are wrong, or cannot be read. The spool must not be used any more.
var errDamaged = errors.New("the file is damaged")

// guard calls a function that uses the file. If that is damaged, or is cut off while it is mapped, bbolt
// panics or the access faults: both are errDamaged (wrapped).
func guard(use func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return use()
}

// openSpool opens or creates a spool. One that is damaged is renamed, and a new one made.
func openSpool(path string, log *slog.Logger) (*spool, error) {
	if stat, err := os.Stat(path); err == nil && !stat.Mode().IsRegular() {
		return nil, wrap(path, errors.New("it is not a plain file: name one, or a new one"))
	}
	s, err := tryOpen(path)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: spool %s: another process uses it", ErrConfig, path)
	}
	if errno := syscall.Errno(0); err == nil || errors.As(err, &errno) { // of the system: the file may be whole
		return s, wrap(path, err)
	}
	aside := path + ".damaged"
	log.Error(fmt.Sprintf("accounting: spool %s cannot be read (%v): it is kept as %s", path, err, aside))
	if err := os.Rename(path, aside); err != nil {
		return nil, wrap(path, err)
	}
	s, err = tryOpen(path)
	return s, wrap(path, err)
}

func wrap(path string, err error) error {
	if err != nil {
		return fmt.Errorf("%w: spool %s: %w", ErrConfig, path, err)
	}
	return nil
}

func tryOpen(path string) (s *spool, err error) {
	err = guard(func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return err
		}
		s = &spool{db: db}
		return db.Update(s.read)
	})
	if err != nil && s != nil && !errors.Is(err, errDamaged) {
		s.db.Close()
	}
	return s, err
}

// read counts the records, which reads all pages.
func (s *spool) read(tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists(bucketName)
	if err != nil {
		return err
	}
	return b.ForEach(func(k, v []byte) error {
		if len(k) != keyLen || len(v) == 0 {
			return errDamaged
		}
		s.count++
		return nil
	})
}

// keyLen is the length of a record's number, by which it is found.
const keyLen = 8

func (s *spool) len() int { return s.count }

func (s *spool) add(records []record) error {
	numbers := make([]uint64, len(records))
	err := s.update(func(b *bbolt.Bucket) (err error) {
		b.FillPercent = 0.9 // numbers ascend
		for i := range records {
			if numbers[i], err = b.NextSequence(); err != nil {
				return err
			}
			if err = b.Put(binary.BigEndian.AppendUint64(nil, numbers[i]), records[i].appendTo(nil)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range records {
		records[i].stored = numbers[i]
	}
	s.count += len(records)
	return nil
}

// update calls a function in a transaction.
func (s *spool) update(change func(*bbolt.Bucket) error) error {
	return guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return change(tx.Bucket(bucketName)) })
	})
}

func (s *spool) first(after uint64, n int) (records []record, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error { records = readFirst(tx, after, n); return nil })
	})
	return records, err
}

func readFirst(tx *bbolt.Tx, after uint64, n int) (records []record) {
	c := tx.Bucket(bucketName).Cursor()
	for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, after+1)); k != nil && len(records) < n; k, v = c.Next() {
		r, err := parseRecord(v)
		if err != nil {
			r = record{} // removed with the others
		}
		r.stored = binary.BigEndian.Uint64(k)
		records = append(records, r)
	}
	return records
}

func (s *spool) remove(numbers []uint64) error {
	err := s.update(func(b *bbolt.Bucket) error {
		for _, n := range numbers {
			if err := b.Delete(binary.BigEndian.AppendUint64(nil, n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.count -= len(numbers)
	}
	return err
}

func (s *spool) close() error { return s.db.Close() }

// memoryStore is a store in memory.
type memoryStore struct {
	records []record
	last    uint64
}

func (m *memoryStore) add(records []record) error {
	for i := range records {
		m.last++
		records[i].stored = m.last
	}
	m.records = append(m.records, records...)
	return nil
}

func (m *memoryStore) first(after uint64, n int) (found []record, err error) {
	for _, r := range m.records {
		if r.stored > after && len(found) < n {
			found = append(found, r)
		}
	}
	return found, nil
}

func (m *memoryStore) remove(numbers []uint64) error {
	gone := make(map[uint64]bool, len(numbers))
	for _, n := range numbers {
		gone[n] = true
	}
	kept := m.records[:0:0]
	for _, r := range m.records {
		if !gone[r.stored] {
			kept = append(kept, r)
		}
	}
	m.records = kept
	return nil
}

func (m *memoryStore) len() int     { return len(m.records) }
func (m *memoryStore) close() error { return nil }
