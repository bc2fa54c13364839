// SPDX-License-Identifier: Apache-2.0
//
// Reads a map state of a running topology within the process, by typed keys and values:
//
//   StateReader counts(*run, handle);                       // the handle of a PersistentAggregate
//   auto cut = counts.Latest();                             // StatusOr: a committed cut, held
//   auto the = cut->Get("the");                             // StatusOr<std::optional<int64_t>>
//   cut->ForEach({.prefix = StateKey("th")}, [](const StateKey& key, const int64_t& count) {...});
//
// A state in a store of the program's own (StateOptions::where) is read there, not here.
#ifndef TRIDENT_TRIDENT_RUN_STATE_READER_H_
#define TRIDENT_TRIDENT_RUN_STATE_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/codec.h"
#include "state/view/snapshot.h"
#include "trident/run/run.h"

namespace trident {

// The values of a state's key fields, in their order, or of the first of them. Owns them.
class StateKey {
 public:
  StateKey() = default;
  // Takes bool, integers, double, texts, Bytes, OwnedBytes, Timestamp; std::nullopt is a null.
  template <class... Ts>
  requires(sizeof...(Ts) > 0 && (!std::is_same_v<std::remove_cvref_t<Ts>, StateKey> &&
                                 ...)) explicit StateKey(const Ts&... fields) {
    (fields_.push_back(DatumOf(fields)), ...);
  }
  explicit StateKey(std::vector<Datum> fields) : fields_(std::move(fields)) {}

  const std::vector<Datum>& fields() const { return fields_; }
  // The i-th field. REQUIRES: it is there and has this type: bool, int64_t, double, std::string,
  // OwnedBytes or Timestamp.
  template <class T>
  const T& As(size_t i) const {
    return std::get<T>(fields_[i].value);
  }
  friend bool operator==(const StateKey&, const StateKey&) = default;

 private:
  template <class T>
  static Datum DatumOf(const T& field) {
    Datum datum;
    if constexpr (std::is_same_v<T, std::nullopt_t>) {
      // stays null
    } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double> ||
                         std::is_same_v<T, Timestamp> || std::is_same_v<T, OwnedBytes>) {
      datum.value = field;
    } else if constexpr (std::is_integral_v<T>) {
      datum.value = static_cast<int64_t>(field);
    } else if constexpr (std::is_same_v<T, Bytes>) {
      datum.value = OwnedBytes{std::string(field.view)};
    } else {
      static_assert(std::is_convertible_v<const T&, std::string_view>,
                    "StateKey: a field of a key is a bool, an integer, a double, a text, Bytes, "
                    "OwnedBytes, a Timestamp, or std::nullopt");
      datum.value = std::string(std::string_view(field));
    }
    return datum;
  }

  std::vector<Datum> fields_;
};

// Which keys a scan gives. All of them, if nothing is set; else those whose first fields are
// `prefix` (a text in the key's last place is itself a prefix), or those from `from` up to, not
// including, `to`, each of which may be missing.
struct StateRange {
  std::optional<StateKey> prefix = {};
  std::optional<StateKey> from = {};
  std::optional<StateKey> to = {};
};

// The state at one txid, as bytes. StateCut<V> adds the type of its values.
class UntypedCut {
 public:
  // FailedPrecondition if the run's state of this name has other values.
  static StatusOr<UntypedCut> Of(const Run& run, const std::string& name, const TypeInfo& type,
                                 const ReadAt& at);

  UntypedCut(UntypedCut&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), snapshot_(std::move(other.snapshot_)) {}
  UntypedCut& operator=(UntypedCut&& other) noexcept {
    std::swap(state_, other.state_);
    snapshot_ = std::move(other.snapshot_);
    return *this;
  }

  TxId txid() const { return snapshot_.txid(); }
  // REQUIRES: not moved from.
  const StateInfo& info() const { return state_->info(); }

 protected:
  using Encoded = StatusOr<std::optional<std::string>>;
  using Visit = absl::FunctionRef<Status(const StateKey& key, std::string_view value)>;

  StatusOr<std::vector<Encoded>> Read(const std::vector<StateKey>& keys) const;
  // Calls `visit` for every key that can be read. Aborted at the end if there were others, or if
  // `visit` is Aborted: their number, and the first ones.
  Status Scan(const StateRange& range, Visit visit) const;
  // DataLoss: the bytes of `key` are no value of the state. Aborted: the program's codec threw.
  Status NoValue(const StateKey& key, std::string_view why) const;
  Status Throws(const StateKey& key, std::string_view why) const;

 private:
  UntypedCut(const ReadableState* state, Snapshot snapshot)
      : state_(state), snapshot_(std::move(snapshot)) {}

  const ReadableState* state_;
  Snapshot snapshot_;
};

// The state at one txid: every read answers at exactly txid(), while batches go on. It keeps the
// previous values that it needs in memory, so hold it for the length of a request, and release it
// before the Run. When those values outgrow their share of the memory, the oldest cuts expire:
// reads then fail with OutOfRange. Movable; reads of a cut that was moved from fail with
// FailedPrecondition. Thread-safe.
template <class V>
class StateCut : public UntypedCut {
 public:
  explicit StateCut(UntypedCut cut) : UntypedCut(std::move(cut)) {}

  // nullopt: no such key. `fields` are the values of all key fields; none for a state without
  // groups. InvalidArgument names a field of another type than the state's. The state reads what
  // is on disk, if it must, on the calling thread.
  template <class... Ts>
  StatusOr<std::optional<V>> Get(const Ts&... fields) const {
    std::vector<StateKey> keys;
    if constexpr (sizeof...(Ts) == 0) {
      keys.emplace_back();
    } else {
      keys.emplace_back(fields...);
    }
    TRIDENT_ASSIGN_OR_RETURN(std::vector<std::optional<V>> values, MultiGet(keys));
    return std::move(values[0]);
  }
  // One answer a key, in the order asked. Keys may repeat. An error if a value cannot be read.
  StatusOr<std::vector<std::optional<V>>> MultiGet(const std::vector<StateKey>& keys) const {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<StatusOr<std::optional<V>>> answers, GetEach(keys));
    std::vector<std::optional<V>> values;
    values.reserve(answers.size());
    for (StatusOr<std::optional<V>>& answer : answers) {
      TRIDENT_RETURN_IF_ERROR(answer.status());
      values.push_back(*std::move(answer));
    }
    return values;
  }
  // The same, with an answer for each key by itself: Aborted for a key whose value cannot be read,
  // because the program's combiner or codec throws, or because it is too large.
  StatusOr<std::vector<StatusOr<std::optional<V>>>> GetEach(
      const std::vector<StateKey>& keys) const {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<Encoded> found, Read(keys));
    std::vector<StatusOr<std::optional<V>>> values;
    values.reserve(found.size());
    for (size_t i = 0; i < found.size(); ++i) {
      values.emplace_back(std::optional<V>());
      if (!found[i].ok()) {
        values.back() = found[i].status();
      } else if (found[i]->has_value()) {
        values.back() = Decode(keys[i], **found[i]);
      }
    }
    return values;
  }
  // Calls visit(const StateKey&, const V&) for each key of the range, in key order, page by page:
  // the whole state need not fit into memory. Aborted at the end if there were keys whose values
  // cannot be read: it says how many, and names the first ones. All others were visited.
  template <class Visitor>
  Status ForEach(const StateRange& range, Visitor visit) const {
    return Scan(range, [&](const StateKey& key, std::string_view bytes) -> Status {
      TRIDENT_ASSIGN_OR_RETURN(const V value, Decode(key, bytes));
      visit(key, value);
      return absl::OkStatus();
    });
  }
  template <class Visitor>
  Status ForEach(Visitor visit) const {
    return ForEach(StateRange{}, std::move(visit));
  }

 private:
  StatusOr<V> Decode(const StateKey& key, std::string_view bytes) const {
    try {
      ByteReader in(bytes);
      V value = Codec<V>::Decode(in);
      if (in.done()) return value;
    } catch (const std::exception& e) {
      return Throws(key, e.what());
    }
    return NoValue(key, "they are no value of this type");
  }
};

// Reads a map state of `run`, which must outlive it and its cuts. Thread-safe.
template <class V>
class StateReader {
 public:
  StateReader(const Run& run, const StateHandle<V>& handle) : run_(run), name_(handle.name()) {}
  StateReader(const Run& run, std::string name) : run_(run), name_(std::move(name)) {}

  // The newest committed cut.
  StatusOr<StateCut<V>> Latest() const { return At(ReadAt::Latest()); }
  // The cut of a txid. NotFound: the run has no such state; FailedPrecondition: its values are not
  // V; OutOfRange: the txid is not readable (any more); DeadlineExceeded: ReadAt::AtLeast waited in
  // vain.
  StatusOr<StateCut<V>> At(const ReadAt& at) const {
    TRIDENT_ASSIGN_OR_RETURN(UntypedCut cut, UntypedCut::Of(run_, name_, TypeOf<V>(), at));
    return StateCut<V>(std::move(cut));
  }

 private:
  const Run& run_;
  const std::string name_;
};
template <class V>
StateReader(const Run& run, const StateHandle<V>& handle) -> StateReader<V>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_STATE_READER_H_
