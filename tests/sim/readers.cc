// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/readers.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "base/key_encoding.h"

namespace trident::sim {
namespace {

constexpr size_t kHeldMax = 3;

std::string ValueText(const ReadableState& state, std::string_view value) {
  ByteReader in(value);
  return ToString(state.info().value_type->decode(in));
}

std::string Text(const Content& content) {
  std::string text;
  for (const auto& [key, value] : content) text += Concat(key, "=", value, " ");
  return text;
}

}  // namespace

void Readers::Connect(RunParts& parts) {
  parts_ = &parts;
  functions_.clear();
  started_at_.clear();
  for (const PlannedFunction& function : parts.plan().functions) {
    functions_.push_back(parts.MakeRequestChain(function));
  }
  seen_.resize(parts.groups().size());
  for (GroupId group : parts.groups()) {
    const TxId published = parts.states().Published(group);
    started_at_.push_back(published);
    // A commit that was not synced may be gone with the machine; then it was seen in vain.
    TxId& seen = seen_[group.value() - 1];
    seen = std::min(seen, history_.Committed(group));
    if (published != history_.Committed(group)) {
      trial_.Violated("group ", group.value(), " starts at txid ", published.value(),
                      ", but decided is ", history_.Committed(group).value());
    }
  }
}

void Readers::Disconnect() {
  held_.clear();
  functions_.clear();
  parts_ = nullptr;
}

void Readers::RunOnce() {
  const std::vector<GroupId>& groups = parts_->groups();
  const GroupId group = groups[trial_.rng.Below(groups.size())];
  const TxId published = parts_->states().Published(group);
  switch (trial_.rng.Below(6)) {
    case 0:
      return ReadAtLeast(group);
    case 1:
      return ReadExactly(group, TxId(trial_.rng.Below(published.value() + 3)));
    case 2:
      return ReadHeld();
    case 3:
      return Ask(group);
    default:
      return ReadLatest(group);
  }
}

void Readers::ReadEverything() {
  for (GroupId group : parts_->groups()) {
    ReadLatest(group);
    const TxId published = parts_->states().Published(group);
    for (TxId at = published; at.value() > 0 && trial_.ok(); at = at.Prev()) {
      ReadExactly(group, at);
    }
  }
}

void Readers::ExpectNotBack(GroupId group, TxId seen) {
  TxId& newest = seen_[group.value() - 1];
  if (seen < newest) {
    trial_.Violated("a reader of group ", group.value(), " went back from txid ", newest.value(),
                    " to ", seen.value());
  }
  newest = std::max(newest, seen);
}

void Readers::ReadLatest(GroupId group) {
  StatusOr<Snapshot> snapshot = parts_->states().Pin(group, ReadAt::Latest());
  if (!snapshot.ok()) return trial_.Violated("latest: ", snapshot.status().ToString());
  ExpectNotBack(group, snapshot->txid());
  Check(group, snapshot->txid());
  if (trial_.rng.Chance(0.3) && held_.size() < kHeldMax) held_.push_back(*std::move(snapshot));
}

void Readers::ReadAtLeast(GroupId group) {
  const TxId published = parts_->states().Published(group);
  const TxId wanted(trial_.rng.Below(published.value() + 3));
  StatusOr<Snapshot> snapshot = parts_->states().Pin(group, ReadAt::AtLeast(wanted, 0));
  if (snapshot.ok() != (wanted <= published)) {
    return trial_.Violated("at least ", wanted.value(), " of ", published.value(), ": ",
                           snapshot.status().ToString());
  }
  if (!snapshot.ok()) return;
  if (snapshot->txid() < wanted) trial_.Violated("a reader at least N was given less");
  ExpectNotBack(group, snapshot->txid());
  Check(group, snapshot->txid());
}

void Readers::ReadExactly(GroupId group, TxId at) {
  const TxId published = parts_->states().Published(group);
  StatusOr<Snapshot> snapshot = parts_->states().Pin(group, ReadAt::Exactly(at));
  if (snapshot.ok()) {
    if (snapshot->txid() != at) trial_.Violated("a reader at exactly N was given another txid");
    return Check(group, at);
  }
  const bool too_old = at.value() + trial_.options.run.readable_versions <= published.value() ||
                       at < started_at_[group.value() - 1];
  if (at > published || too_old || trial_.options.state_bytes != 0) return;
  trial_.Violated("txid ", at.value(), " of ", published.value(),
                  " must be readable: ", snapshot.status().ToString());
}

void Readers::ReadHeld() {
  if (held_.empty()) return;
  const auto chosen = held_.begin() + static_cast<std::ptrdiff_t>(trial_.rng.Below(held_.size()));
  const GroupId group = chosen->group();
  const TxId txid = chosen->txid();
  // Where memory is short, a txid is given up although it is held; a read of it says so.
  const bool given_up = !parts_->states().Pin(group, ReadAt::Exactly(txid)).ok();
  if (given_up && trial_.options.state_bytes == 0) {
    trial_.Violated("txid ", txid.value(), " is held, and not readable");
  }
  if (!given_up) Check(group, txid);
  if (given_up || trial_.rng.Chance(0.5)) held_.erase(chosen);
}

StatePage Readers::NextPage(const ReadableState& state, TxId at, const KeyRange& range) {
  PageLimits limits;
  if (trial_.rng.Chance(0.3)) limits.rows = 1 + trial_.rng.Below(3);
  StatusOr<StatePage> page = state.Scan(at, range, limits);
  if (page.ok()) return *std::move(page);
  trial_.Violated("scan of ", state.info().spec.name, " at ", at.value(), ": ",
                  page.status().ToString());
  return {};
}

Content Readers::ContentOf(const std::string& name, TxId at) {
  Content content;
  StatusOr<const ReadableState*> state = parts_->states().Find(name);
  if (!state.ok()) {
    trial_.Violated(state.status().ToString());
    return content;
  }
  KeyRange range = KeyRange::All();
  for (;;) {
    StatePage page = NextPage(**state, at, range);
    for (const StateRow& row : page.rows) {
      if (!row.error.ok()) trial_.Violated("key ", row.key, ": ", row.error.ToString());
      content[row.key] = ValueText(**state, row.value);
    }
    if (!page.resume) return content;
    range.begin = *page.resume;
  }
}

History::Letters Readers::LettersAt(GroupId group, TxId at) {
  History::Letters letters;
  const std::string name = NameFor("dead-letters", group.value() - 1);
  StatusOr<const ReadableState*> state = parts_->states().Find(name);
  if (!state.ok()) return letters;
  for (const auto& [key, letter] : ContentOf(name, at)) {
    StatusOr<std::vector<Datum>> fields = DecodeKey((*state)->info().spec.key_fields, key);
    if (!fields.ok()) {
      trial_.Violated("the key of a letter: ", fields.status().ToString());
      continue;
    }
    letters[TxId(static_cast<uint64_t>(std::get<int64_t>((*fields)[1].value)))].push_back(letter);
  }
  return letters;
}

void Readers::Check(GroupId group, TxId at) {
  trial_.Note(at.value());
  const Cut* truth = history_.At(group, at, LettersAt(group, at));
  if (truth == nullptr) return;
  Cut seen;
  for (const auto& [name, content] : *truth) {
    seen[name] = ContentOf(name, at);
    trial_.Note(Text(seen[name]));
    if (seen[name] != content) {
      return trial_.Violated("state ", name, " at txid ", at.value(), " of ",
                             history_.Committed(group).value(), " holds ", Text(seen[name]),
                             "; the decisions say ", Text(content));
    }
    CheckKeys(name, at, content);
  }
  if (auto breach = workload_.Breach(seen)) {
    trial_.Violated("at txid ", at.value(), ": ", *breach);
  }
}

void Readers::CheckKeys(const std::string& name, TxId at, const Content& content) {
  const ReadableState& state = **parts_->states().Find(name);
  std::vector<std::string> keys{"nobody"};
  for (const auto& [key, value] : content) {
    if (trial_.rng.Chance(0.3)) keys.push_back(key);
  }
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  auto values = state.MultiGet(at, asked);
  if (!values.ok()) return trial_.Violated("get: ", values.status().ToString());
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto& answer = (*values)[i];
    if (!answer.ok()) return trial_.Violated("key ", keys[i], ": ", answer.status().ToString());
    const std::optional<std::string>& value = *answer;
    const auto found = content.find(keys[i]);
    const bool there = found != content.end();
    if (value.has_value() != there || (there && ValueText(state, *value) != found->second)) {
      trial_.Violated("key ", keys[i], " of ", name, " at txid ", at.value(), " is ",
                      value ? ValueText(state, *value) : "missing");
    }
  }
}

void Readers::Ask(GroupId group) {
  const size_t stream = group.value() - 1;
  std::vector<std::string> questions(1 + trial_.rng.Below(3));
  std::vector<DrpcRequest> requests;
  for (std::string& question : questions) {
    question = workload_.Question(trial_.rng);
    requests.emplace_back().args = question;
  }
  std::vector<DrpcResult> results(requests.size(), absl::InternalError("not answered"));
  functions_[stream]->Execute(requests, results);
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].ok()) return trial_.Violated("request: ", results[i].status().ToString());
    const DrpcAnswer& answer = *results[i];
    ExpectNotBack(group, answer.txid);
    const Cut* truth = history_.At(group, answer.txid, LettersAt(group, answer.txid));
    if (truth == nullptr) return;
    std::vector<std::vector<std::string>> rows;
    for (const std::vector<Datum>& row : answer.rows) {
      std::vector<std::string>& texts = rows.emplace_back();
      for (const Datum& datum : row) texts.push_back(ToString(datum));
    }
    if (rows != workload_.Answer(questions[i], *truth)) {
      return trial_.Violated("request \"", questions[i], "\" at txid ", answer.txid.value(),
                             " was answered with ", rows.size(),
                             " rows that are not in the states");
    }
  }
}

}  // namespace trident::sim
