package accounting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// store keeps records in order. The sender alone uses it.
type store interface {
	// add stores records, which have their numbers then.
	add([]record) error
	// first returns up to n records after a number.
	first(after uint64, n int) []record
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

// openSpool opens or creates a spool. One that is damaged is renamed, and a new one made.
func openSpool(path string, log *slog.Logger) (*spool, error) {
	s, err := tryOpen(path)
	if err == nil || errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		return s, wrap(path, err)
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: spool %s: another process uses it", ErrConfig, path)
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

func tryOpen(path string) (*spool, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	s := &spool{db: db}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucketName)
		if err == nil {
			s.count = b.Stats().KeyN
		}
		return err
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

func (s *spool) len() int { return s.count }

func (s *spool) add(records []record) error {
	numbers := make([]uint64, len(records))
	err := s.db.Update(func(tx *bbolt.Tx) (err error) {
		b := tx.Bucket(bucketName)
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

func (s *spool) first(after uint64, n int) (records []record) {
	s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketName).Cursor()
		for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, after+1)); k != nil && len(records) < n; k, v = c.Next() {
			r, err := parseRecord(v)
			if err != nil {
				r = record{} // removed with the others
			}
			r.stored = binary.BigEndian.Uint64(k)
			records = append(records, r)
		}
		return nil
	})
	return records
}

func (s *spool) remove(numbers []uint64) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for _, n := range numbers {
			if err := tx.Bucket(bucketName).Delete(binary.BigEndian.AppendUint64(nil, n)); err != nil {
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

func (m *memoryStore) first(after uint64, n int) (found []record) {
	for _, r := range m.records {
		if r.stored > after && len(found) < n {
			found = append(found, r)
		}
	}
	return found
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
