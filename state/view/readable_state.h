// SPDX-License-Identifier: Apache-2.0
//
// ReadableState: a state whose types are known only at run time, as a command line, a remote reader
// and a dump read it. Keys are canonical key bytes (base/key_encoding.h), values are encoded
// (base/codec.h).
#ifndef TRIDENT_STATE_VIEW_READABLE_STATE_H_
#define TRIDENT_STATE_VIEW_READABLE_STATE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "state/disk/state_spec.h"

namespace trident {

// Keys in [begin, end); an empty end means no bound.
struct KeyRange {
  std::string begin;
  std::string end;

  static KeyRange All() { return {}; }
  static KeyRange Prefix(std::string_view prefix);
  static KeyRange Just(std::string_view key);
  bool Contains(std::string_view key) const { return key >= begin && (end.empty() || key < end); }
};

struct PageLimits {
  uint64_t rows = kScanPageRowsMax;
  // Keys and values together. A row that is larger comes alone in its page. A page with less, or
  // with no row at all, is not the last one, unless it says so: see StatePage.
  uint64_t bytes = kScanPageBytesMax;
};

struct StateRow {
  std::string key;
  std::string value;
  Status error = {};  // not ok: why the value cannot be read; `value` is empty then
  friend bool operator==(const StateRow&, const StateRow&) = default;
};

// Part of a scan, in key order. A page with fewer rows than its limits allow, or with none, need
// not be the last one: only `resume` tells.
struct StatePage {
  std::vector<StateRow> rows;
  std::optional<std::string>
      resume;  // begin of the next page's range; nullopt: the scan is complete
};

// One key that a txid changed.
struct StateChange {
  std::string key;
  std::optional<std::string> value;  // after the txid; nullopt: it removed the key
  Status error = {};                 // not ok: why that value cannot be read; `value` is empty then
  friend bool operator==(const StateChange&, const StateChange&) = default;
};

// The changes of a txid to some keys, in key order.
struct ChangesAt {
  TxId txid;
  std::vector<StateChange> changes;
};

// Thread-safe; readers never wait for user code, and hold up a commit only for a few microseconds.
//
// A key is unreadable if the program's code throws for its value, or if the value is over
// kValueBytesMax. Its error stands in its own place of the answer; all other keys are answered.
//
// Each method answers at exactly txid `at` of the state's group, and fails with OutOfRange, naming
// the txids that can be read, when `at` is not published yet or older than the readable window. A
// Snapshot (state/view/snapshot.h) keeps its txid readable.
class ReadableState {
 public:
  virtual ~ReadableState() = default;

  virtual const StateInfo& info() const = 0;

  // nullopt: no such key.
  virtual StatusOr<std::optional<std::string>> Get(TxId at, std::string_view key) const = 0;
  // One answer a key, in the order asked. Keys may repeat. An answer is what Get gives.
  using Answers = std::vector<StatusOr<std::optional<std::string>>>;
  virtual StatusOr<Answers> MultiGet(TxId at, std::span<const std::string_view> keys) const = 0;
  // The first rows of `range` in key order. To go on, ask again with `resume` as the range's begin.
  virtual StatusOr<StatePage> Scan(TxId at, const KeyRange& range, PageLimits limits) const = 0;
  // The keys within `range` that txid `at` itself changed, in key order. `at` must be newer than
  // the oldest readable txid.
  virtual StatusOr<std::vector<StateChange>> ChangesOf(TxId at, const KeyRange& range) const = 0;
  // The first txid after `after`, up to `last`, that changed keys within `range`; `last` and no
  // changes, if none did. The same txids must be readable.
  virtual StatusOr<ChangesAt> FirstChanges(TxId after, TxId last, const KeyRange& range) const;
  // The number of keys at the newest applied txid. Exact, except that a key whose base value was
  // never read counts only once it is folded.
  virtual uint64_t ApproximateKeys() const = 0;
  // How many keys committed batches have removed since the start because they expired.
  virtual uint64_t KeysExpired() const { return 0; }
  // How many keys were found to be unreadable since the start, by a fold, a batch or a reader, and
  // were neither replaced nor removed since. Others that nobody has read may be so, too.
  virtual uint64_t UnreadableKeys() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_READABLE_STATE_H_
