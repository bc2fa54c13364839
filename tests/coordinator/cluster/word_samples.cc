// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/cluster/word_samples.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "tests/coordinator/cluster/word_fields.h"

namespace trident {
namespace {

template <class T>
struct IsId : std::false_type {};
template <class Tag, class Rep>
struct IsId<NamedId<Tag, Rep>> : std::true_type {};

// Gives every field a value.
class Filler {
 public:
  explicit Filler(uint64_t seed) : rng_(seed) {}

  template <class... Fields>
  void All(Fields&... fields) {
    (Fill(fields), ...);
  }

  template <class T>
  void Fill(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      x = rng_.Chance(0.5);
    } else if constexpr (std::is_enum_v<T>) {
      x = static_cast<T>(rng_.Below(std::is_same_v<T, word::EmitMode> ? 4 : 2));
    } else if constexpr (std::is_integral_v<T>) {
      x = Number<T>();
    } else if constexpr (IsId<T>::value) {
      x = T(Number<typename T::rep>());
    } else {
      EachField(*this, x);
    }
  }
  void Fill(std::string& x) {
    static constexpr char kWords[] = "a source's partition, or its position";
    switch (rng_.Below(4)) {
      case 0:
        x.clear();
        break;
      case 1:
        x = std::string(kWords, rng_.Below(sizeof kWords));
        break;
      default:
        x.clear();
        for (uint64_t n = rng_.Below(40); n > 0; --n) x.push_back(static_cast<char>(rng_()));
    }
  }
  void Fill(Status& x) {
    std::string message;
    Fill(message);
    x = Status(static_cast<StatusCode>(1 + rng_.Below(16)), message);
  }
  template <class T>
  void Fill(std::vector<T>& x) {
    x.resize(rng_.Below(4));
    for (T& element : x) Fill(element);
  }
  template <class T>
  void Fill(std::optional<T>& x) {
    x.reset();
    if (rng_.Chance(0.5)) Fill(x.emplace());
  }
  void Fill(std::shared_ptr<const BatchCut>& x) {
    x = nullptr;
    if (rng_.Chance(0.3)) return;
    BatchCut cut;
    Fill(cut);
    x = std::make_shared<const BatchCut>(std::move(cut));
  }

  // What must be more than any value of its type.
  void Fill(BatchId& x) { x = {group_, TxId(NotZero<uint64_t>()), AnyAttempt()}; }
  void Fill(word::Emit& x) {
    EachField(*this, x);
    x.limits.rows = std::max<uint64_t>(x.limits.rows, 1);
  }
  void Fill(word::Abort& x) {
    TxId txid(1 + rng_.Below(1000));
    for (uint64_t n = 1 + rng_.Below(4); n > 0;
         --n, txid = TxId(txid.value() + 1 + rng_.Below(3))) {
      x.cancelled.push_back({group_, txid, AnyAttempt()});
    }
  }
  void Fill(PreparedRecord& x) {
    EachField(*this, x);
    x.txid = TxId(NotZero<uint64_t>());
  }
  void Fill(LoggedCut& x) {
    EachField(*this, x);
    x.txid = TxId(NotZero<uint64_t>());
  }

  Epoch AnyEpoch() { return Epoch(NotZero<uint64_t>()); }
  // Of the batches that follow.
  GroupId NextGroup() { return group_ = GroupId(Number<uint32_t>()); }

 private:
  Attempt AnyAttempt() { return {AnyEpoch(), Number<uint32_t>()}; }
  template <class T>
  T Number() {
    switch (rng_.Below(4)) {
      case 0:
        return std::numeric_limits<T>::min();
      case 1:
        return std::numeric_limits<T>::max();
      case 2:
        return static_cast<T>(rng_.Below(100));
      default:
        return static_cast<T>(rng_());
    }
  }
  template <class T>
  T NotZero() {
    return std::max<T>(Number<T>(), 1);
  }

  Rng rng_;
  GroupId group_;
};

// Writes every field down.
class Writer {
 public:
  template <class... Fields>
  void All(const Fields&... fields) {
    text_ += '{';
    (Write(fields), ...);
    text_ += '}';
  }
  template <class T>
  void Write(const T& x) {
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      text_ += std::to_string(
                   static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(x)) +
               ' ';
    } else if constexpr (IsId<T>::value) {
      Write(x.value());
    } else {
      EachField(*this, x);
    }
  }
  void Write(const std::string& x) {
    static constexpr char kHex[] = "0123456789abcdef";
    text_ += '"';
    for (const char c : x) {
      text_ += kHex[static_cast<unsigned char>(c) >> 4];
      text_ += kHex[static_cast<unsigned char>(c) & 15];
    }
    text_ += "\" ";
  }
  void Write(const Status& x) {
    Write(static_cast<int64_t>(x.code()));
    Write(std::string(Message(x)));
  }
  template <class T>
  void Write(const std::vector<T>& x) {
    text_ += '[';
    for (const T& element : x) Write(element);
    text_ += ']';
  }
  template <class T>
  void Write(const std::optional<T>& x) {
    x ? Write(*x) : Nothing();
  }
  void Write(const std::shared_ptr<const BatchCut>& x) { x != nullptr ? Write(*x) : Nothing(); }
  template <class... Words>
  void Write(const std::variant<Words...>& x) {
    Write(x.index());
    std::visit([&](const auto& word) { Write(word); }, x);
  }

  std::string Take() { return std::move(text_); }

 private:
  void Nothing() { text_ += "nothing "; }
  std::string text_;
};

// The group words with every alternative of their variant.
template <class GroupWord, class Variant, size_t i = 0, class Out>
void AddGroupWords(Filler& filler, Out& out) {
  if constexpr (i < std::variant_size_v<Variant>) {
    GroupWord word;
    word.epoch = filler.AnyEpoch();
    word.group = filler.NextGroup();
    filler.Fill(word.word.template emplace<i>());
    out.push_back(std::move(word));
    AddGroupWords<GroupWord, Variant, i + 1>(filler, out);
  }
}

// The last alternative is the one of group words.
template <class Variant, size_t i = 0>
void AddEpochWords(Filler& filler, std::vector<Variant>& out) {
  if constexpr (i + 1 < std::variant_size_v<Variant>) {
    std::variant_alternative_t<i, Variant> word;
    filler.Fill(word);
    word.epoch = filler.AnyEpoch();
    out.push_back(std::move(word));
    AddEpochWords<Variant, i + 1>(filler, out);
  }
}

template <class T>
std::string Text(const T& x) {
  Writer writer;
  writer.Write(x);
  return writer.Take();
}

}  // namespace

std::vector<LeaderWord> AllLeaderWords(uint64_t seed) {
  Filler filler(seed);
  std::vector<LeaderWord> out;
  AddEpochWords(filler, out);
  AddGroupWords<GroupWordToWorker, WordToWorker>(filler, out);
  return out;
}

std::vector<WorkerWord> AllWorkerWords(uint64_t seed) {
  Filler filler(seed);
  std::vector<WorkerWord> out;
  AddEpochWords(filler, out);
  AddGroupWords<GroupWordToLeader, WordToLeader>(filler, out);
  return out;
}

WorkerHello AnyHello(uint64_t seed) {
  Filler filler(seed);
  WorkerHello out;
  filler.Fill(out);
  if (out.incarnation == Incarnation()) out.incarnation = Incarnation(1);
  return out;
}

std::string TextOf(const LeaderWord& word) { return Text(word); }
std::string TextOf(const WorkerWord& word) { return Text(word); }
std::string TextOf(const WorkerHello& hello) { return Text(hello); }

}  // namespace trident
