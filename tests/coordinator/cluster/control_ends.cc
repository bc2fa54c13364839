// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/cluster/control_ends.h"

#include <utility>
#include <variant>

#include "base/check.h"

namespace trident {
namespace {

constexpr Nanos kPatience = 10 * kSecond;

std::string LifeOf(WorkerId worker, Incarnation incarnation) {
  return std::to_string(worker.value()) + "." + std::to_string(incarnation.value());
}

std::string TextOfWord(const LeaderWord& word) {
  const auto* round = std::get_if<word::LeaseRound>(&word);
  return round != nullptr ? std::to_string(round->round) : "#" + std::to_string(word.index());
}

std::string TextOfWord(const WorkerWord& word) {
  const auto* round = std::get_if<word::LeaseAcknowledged>(&word);
  return round != nullptr ? std::to_string(round->round) : "#" + std::to_string(word.index());
}

}  // namespace

void Notes::Add(std::string note) {
  MutexLock lock(mutex_);
  notes_.push_back(std::move(note));
  added_.NotifyAll();
}

std::string Notes::Await(const std::string& start, size_t n) {
  const Nanos until = RealClock().MonotonicNanos() + kPatience;
  size_t at = 0, found = 0;
  MutexLock lock(mutex_);
  while (true) {
    for (; at < notes_.size(); ++at) {
      if (notes_[at].compare(0, start.size(), start) == 0 && ++found == n) return notes_[at];
    }
    const Nanos left = until - RealClock().MonotonicNanos();
    if (left <= 0) return "";
    added_.WaitFor(mutex_, left);
  }
}

std::vector<std::string> Notes::all() const {
  MutexLock lock(mutex_);
  return notes_;
}

size_t Notes::Count(const std::string& start) const {
  MutexLock lock(mutex_);
  size_t out = 0;
  for (const std::string& note : notes_) out += note.compare(0, start.size(), start) == 0 ? 1 : 0;
  return out;
}

bool AwaitThat(const std::function<bool()>& condition) {
  const Nanos until = RealClock().MonotonicNanos() + kPatience;
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  while (!condition()) {
    if (RealClock().MonotonicNanos() > until) return false;
    never.WaitFor(mutex, kMillisecond);
  }
  return true;
}

ControlTiming PatientTiming() {
  return {.heartbeat = 50 * kMillisecond, .silence_max = 60 * kSecond, .keepalive = 30 * kSecond};
}

WorkerHello HelloOf(uint32_t worker, uint64_t incarnation) {
  return {.worker = WorkerId(worker),
          .incarnation = Incarnation(incarnation),
          .store = "store " + std::to_string(worker),
          .topology = "wordcount",
          .plan_fingerprint = 17,
          .exchange_address = "127.0.0.1:7500"};
}

LeaderWord Down(uint64_t number) { return word::LeaseRound{Epoch(1), number}; }

WorkerWord Up(uint32_t worker, uint64_t number) {
  return word::LeaseAcknowledged{Epoch(1), number, WorkerId(worker)};
}

LeaderEnd::LeaderEnd(ControlServerOptions options) {
  auto started = ControlServer::Start(
      options,
      {.on_hello =
           [this](WorkerId worker, const WorkerHello& hello) {
             notes.Add("hello " + LifeOf(worker, hello.incarnation));
             return judge(hello);
           },
       .on_open =
           [this](WorkerId worker, const WorkerHello& hello) {
             notes.Add("open " + LifeOf(worker, hello.incarnation));
           },
       .on_words =
           [this](WorkerId worker, Incarnation incarnation, std::vector<WorkerWord> words) {
             for (const WorkerWord& word : words) {
               notes.Add("word " + LifeOf(worker, incarnation) + " " + TextOfWord(word));
             }
             if (heard) heard(worker, words);
           },
       .on_gone =
           [this](WorkerId worker, Incarnation incarnation, const Status& cause) {
             notes.Add("gone " + LifeOf(worker, incarnation) + " " + cause.ToString());
           }});
  TRIDENT_CHECK_OK(started.status());
  server = *std::move(started);
}

WorkerEnd::WorkerEnd(ControlClientOptions options) {
  client = std::make_unique<ControlClient>(
      options,
      ControlClientEvents{
          .on_open = [this] { notes.Add("open"); },
          .on_words =
              [this](std::vector<LeaderWord> words) {
                for (const LeaderWord& word : words) notes.Add("word " + TextOfWord(word));
                if (heard) heard(words);
              },
          .on_gone = [this](const Status& cause) { notes.Add("gone " + cause.ToString()); },
          .on_refused = [this](const Status& cause) { notes.Add("refused " + cause.ToString()); }});
}

ControlClientOptions Dialling(const std::string& address, uint32_t worker, uint64_t incarnation) {
  return {.leader = address,
          .token = "",
          .hello = HelloOf(worker, incarnation),
          .timing = PatientTiming()};
}

}  // namespace trident
