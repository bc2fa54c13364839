// SPDX-License-Identifier: Apache-2.0
//
// LetterRequests: what people ask to be done with dead letters, in the order in which they ask. A
// spout's first task reads them as one more source partition of the spout: a letter that is tried
// again brings its row, which goes where the rows of the spout go; one that is dropped brings none.
// Either way the letter goes by the decision that moves the partition's position over its request,
// or stays a letter by it. So each request takes effect once, with its batch, or not at all.
//
// The requests live in memory: who asks must ask again after the end of the process, and nothing is
// lost by it, because the letters are where they were.
#ifndef TRIDENT_ENGINE_LETTER_REQUESTS_H_
#define TRIDENT_ENGINE_LETTER_REQUESTS_H_

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "engine/diverted_rows.h"
#include "engine/spout.h"

namespace trident {

struct LetterRequest {
  std::string key;             // of the letter
  std::optional<KeptRow> row;  // nullopt: the letter is dropped
  uint64_t bytes = 0;          // of the row
  std::string name = {};       // of the letter, for people: stream, txid and row
};

// Thread-safe.
class LetterRequests {
 public:
  // The letter is the caller's, until Add or Release. False: a request about it is under way. Read
  // the letter after this: then no committed request about it is missed.
  bool Reserve(const std::string& key);
  void Release(const std::string& key);
  // REQUIRES: the key is reserved. ResourceExhausted: too much waits; the key is released.
  Status Add(LetterRequest request);
  bool IsUnderWay(const std::string& key) const;

  // For the reader. Positions are numbers of requests; the first one that is read from stands for
  // the oldest request of this process.
  using Taken = std::shared_ptr<const LetterRequest>;
  // The requests from `start` on, up to and with the first one that brings a row.
  std::vector<Taken> TakeFrom(const Position& start);
  bool HasAfter(const Position& position) const;
  void CommittedUpTo(const Position& position);
  void WakeWith(WakeUp wake_up);

 private:
  mutable Mutex mutex_;
  std::deque<Taken> waiting_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t waiting_bytes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> first_ TRIDENT_GUARDED_BY(mutex_);  // number of waiting_.front()
  absl::flat_hash_set<std::string> keys_ TRIDENT_GUARDED_BY(mutex_);
  WakeUp wake_up_ TRIDENT_GUARDED_BY(mutex_);
};

// Reads them as a source partition; see SourceReader.
class LetterReader final : public SourceReader {
 public:
  // `requests` outlives the reader.
  LetterReader(LetterRequests& requests, WakeUp wake_up);
  ~LetterReader() override;

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override;
  StatusOr<Availability> Poll(const Position& position) override;
  void Committed(TxId txid, const Position& position) override;
  // The requests of the last Read. Only the last of them may have brought a row.
  std::span<const LetterRequests::Taken> taken() const { return taken_; }
  // Notes the letter whose row the last Read brought, for the process that comes after this one if
  // the row ends it (base/work_mark.h): requests about letters end with the process.
  void Note(const BatchId& id, EmitterId emitter) const;

 private:
  LetterRequests& requests_;
  std::vector<LetterRequests::Taken> taken_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_LETTER_REQUESTS_H_
