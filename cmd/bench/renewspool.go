package main

import (
	"errors"
	"os"
	"sync"
)

// plainSpool is a file that answers are appended to, in groups of whole blocks,
// each synced before anybody in it goes on.
type plainSpool struct {
	file *os.File
	tail int64

	mu     sync.Mutex
	more   sync.Cond
	queue  [][]byte
	done   []chan error
	closed bool
	ended  chan struct{}
}

const (
	spoolSize  = 256 << 20 // then it begins anew
	spoolBlock = 4096
)

// openPlainSpool makes the file with all its blocks written once.
func openPlainSpool(path string) (*plainSpool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for range spoolSize / len(zeros) {
		if _, err := f.Write(zeros); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s := &plainSpool{file: f, ended: make(chan struct{})}
	s.more.L = &s.mu
	go s.serve()
	return s, nil
}

// keep returns when b is on disk.
func (s *plainSpool) keep(b []byte) error {
	done := make(chan error, 1)
	s.mu.Lock()
	s.queue, s.done = append(s.queue, b), append(s.done, done)
	s.more.Signal()
	s.mu.Unlock()
	return <-done
}

func (s *plainSpool) serve() {
	defer close(s.ended)
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.closed {
			s.more.Wait()
		}
		queue, done := s.queue, s.done
		s.queue, s.done = nil, nil
		s.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		err := s.write(queue)
		for _, d := range done {
			d <- err
		}
	}
}

func (s *plainSpool) write(queue [][]byte) error {
	var group []byte
	for _, b := range queue {
		group = append(group, b...)
	}
	group = append(group, make([]byte, (spoolBlock-len(group)%spoolBlock)%spoolBlock)...)
	if s.tail+int64(len(group)) > spoolSize {
		s.tail = 0
	}
	if _, err := s.file.WriteAt(group, s.tail); err != nil {
		return err
	}
	s.tail += int64(len(group))
	return syncData(s.file)
}

func (s *plainSpool) close() error {
	s.mu.Lock()
	s.closed = true
	s.more.Signal()
	s.mu.Unlock()
	<-s.ended
	return s.file.Close()
}
