// The checks of the key-value and the object store in ../README.md with nats.go.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const manyKeys = 500

func keyValue(w world) {
	bucket := get(w.js.CreateKeyValue(w.ctx, jetstream.KeyValueConfig{Bucket: "kv", History: 5, LimitMarkerTTL: time.Second, MaxValueSize: 1000}))
	_, err := bucket.Get(w.ctx, "none")
	expectError(err, jetstream.ErrKeyNotFound)
	_, err = w.js.KeyValue(w.ctx, "none")
	expectError(err, jetstream.ErrBucketNotFound)
	expectEqual(get(bucket.PutString(w.ctx, "a", "1")), 1)
	expectEqual(get(bucket.Update(w.ctx, "a", []byte("2"), 1)), 2)
	_, err = bucket.Update(w.ctx, "a", []byte("x"), 1)
	expectCode(err, wrongLastSequence)
	_, err = bucket.Create(w.ctx, "a", nil)
	expectError(err, jetstream.ErrKeyExists)
	expectEqual(get(bucket.Create(w.ctx, "b.c", []byte("3"))), 3)
	entry := get(bucket.Get(w.ctx, "a"))
	expect(string(entry.Value()) == "2" && entry.Revision() == 2 && entry.Operation() == jetstream.KeyValuePut, "the entry is %v", entry)
	expectEqual(string(get(bucket.GetRevision(w.ctx, "a", 1)).Value()), "1")
	_, err = bucket.PutString(w.ctx, "large", string(make([]byte, 2000)))
	expectError(err, jetstream.ErrStreamMessageExceedsMaximum)

	watcher := get(bucket.WatchAll(w.ctx))
	updates := func(want ...string) {
		for _, text := range want {
			entry := <-watcher.Updates()
			got := "end"
			if entry != nil {
				got = fmt.Sprintf("%s %s %s %d", entry.Operation(), entry.Key(), entry.Value(), entry.Revision())
			}
			expectEqual(got, text)
		}
	}
	updates("KeyValuePutOp a 2 2", "KeyValuePutOp b.c 3 3", "end")
	must(bucket.Delete(w.ctx, "a"))
	expectError(bucket.Delete(w.ctx, "b.c", jetstream.LastRevision(2)), jetstream.ErrKeyRevisionMismatch)
	must(bucket.Purge(w.ctx, "b.c", jetstream.LastRevision(3)))
	updates("KeyValueDeleteOp a  4", "KeyValuePurgeOp b.c  5")
	must(watcher.Stop())
	_, err = bucket.Get(w.ctx, "a")
	expectError(err, jetstream.ErrKeyNotFound)
	expectEqual(get(bucket.Create(w.ctx, "a", []byte("again"))), 6)
	operations := []string{}
	for _, entry := range get(bucket.History(w.ctx, "a")) {
		operations = append(operations, fmt.Sprintf("%s %d", entry.Value(), entry.Revision()))
	}
	expectEqual(operations, []string{"1 1", "2 2", " 4", "again 6"})
	expectEqual(len(get(bucket.History(w.ctx, "b.c"))), 1)
	expiring(w, bucket)
	must(bucket.PurgeDeletes(w.ctx, jetstream.DeleteMarkersOlderThan(-1)))
	expectEqual(get(bucket.Keys(w.ctx)), []string{"a"})

	for i := range manyKeys {
		get(bucket.PutString(w.ctx, fmt.Sprintf("many.%d", i), strconv.Itoa(i)))
	}
	keys := []string{}
	for key := range get(bucket.ListKeysFiltered(w.ctx, "many.*")).Keys() {
		keys = append(keys, key)
	}
	expectEqual(len(keys), manyKeys)
	filtered := get(bucket.WatchFiltered(w.ctx, []string{"many.1", "many.2"}, jetstream.MetaOnly()))
	for _, key := range []string{"many.1", "many.2"} {
		entry := <-filtered.Updates()
		expect(entry.Key() == key && len(entry.Value()) == 0, "the entry is %v", entry)
	}
	must(filtered.Stop())
	status := get(bucket.Status(w.ctx))
	expect(status.History() == 5 && status.LimitMarkerTTL() == time.Second && status.BackingStore() == "JetStream", "the status is %v", status)
	names := []string{}
	for name := range w.js.KeyValueStoreNames(w.ctx).Name() {
		names = append(names, name)
	}
	expectEqual(names, []string{"kv"})
	must(w.js.DeleteKeyValue(w.ctx, "kv"))
	expectError(w.js.DeleteKeyValue(w.ctx, "kv"), jetstream.ErrBucketNotFound)
}

// expiring checks that a key with a time to live goes, and that a watch hears of it.
func expiring(w world, bucket jetstream.KeyValue) {
	watcher := get(bucket.Watch(w.ctx, "ttl", jetstream.UpdatesOnly()))
	get(bucket.Create(w.ctx, "ttl", []byte("short"), jetstream.KeyTTL(time.Second)))
	expectEqual((<-watcher.Updates()).Operation(), jetstream.KeyValuePut)
	gone := <-watcher.Updates()
	expect(gone.Operation() == jetstream.KeyValuePurge && gone.Key() == "ttl", "the marker is %v", gone)
	must(watcher.Stop())
	_, err := bucket.Get(w.ctx, "ttl")
	expectError(err, jetstream.ErrKeyNotFound)
}

func objectStore(w world) {
	store := get(w.js.CreateObjectStore(w.ctx, jetstream.ObjectStoreConfig{Bucket: "objects", Description: "of all sizes"}))
	large := make([]byte, 3_000_001)
	for i := range large {
		large[i] = byte(i * 31 >> 5)
	}
	meta := jetstream.ObjectMeta{Name: "large", Headers: nats.Header{"fruit": {"apple"}}, Opts: &jetstream.ObjectMetaOptions{ChunkSize: 50_000}}
	info := get(store.Put(w.ctx, meta, bytes.NewReader(large)))
	expect(info.Size == uint64(len(large)) && info.Chunks == 61, "the object is %v", info)
	result := get(store.Get(w.ctx, "large"))
	expectEqual(sha256.Sum256(get(io.ReadAll(result))), sha256.Sum256(large))
	must(result.Error())
	get(store.PutString(w.ctx, "a.txt", "small"))
	get(store.PutString(w.ctx, "a.txt", "replaced"))
	expectEqual(get(store.GetString(w.ctx, "a.txt")), "replaced")
	get(store.PutBytes(w.ctx, "empty", nil))
	expectEqual(len(get(store.GetBytes(w.ctx, "empty"))), 0)
	list := func(options ...jetstream.ListObjectsOpt) []string {
		names := []string{}
		for _, info := range get(store.List(w.ctx, options...)) {
			names = append(names, info.Name)
		}
		slices.Sort(names)
		return names
	}
	expectEqual(list(), []string{"a.txt", "empty", "large"})
	must(store.UpdateMeta(w.ctx, "a.txt", jetstream.ObjectMeta{Name: "b.txt"}))
	get(store.AddLink(w.ctx, "link", get(store.GetInfo(w.ctx, "b.txt"))))
	expectEqual(get(store.GetString(w.ctx, "link")), "replaced")
	must(store.Delete(w.ctx, "large"))
	_, err := store.Get(w.ctx, "large")
	expectError(err, jetstream.ErrObjectNotFound)
	expectEqual(list(), []string{"b.txt", "empty", "link"})
	expectEqual(list(jetstream.ListObjectsShowDeleted()), []string{"b.txt", "empty", "large", "link"})
	watcher := get(store.Watch(w.ctx, jetstream.IgnoreDeletes()))
	for range 3 {
		expect((<-watcher.Updates()) != nil, "the watch ended early")
	}
	expect((<-watcher.Updates()) == nil, "the watch did not end")
	must(watcher.Stop())
	must(store.Seal(w.ctx))
	_, err = store.PutString(w.ctx, "late", "")
	expect(err != nil, "a sealed store was written")
	status := get(store.Status(w.ctx))
	expect(status.Sealed() && status.Description() == "of all sizes" && status.Size() < 10_000, "the status is %v", status)
	must(w.js.DeleteObjectStore(w.ctx, "objects"))
}
