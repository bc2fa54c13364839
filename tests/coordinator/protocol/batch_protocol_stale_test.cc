// SPDX-License-Identifier: Apache-2.0
//
// Late, repeated and reordered messages of every kind in every phase. A message that is not about
// what is in flight must change nothing: the protocol that hears it and its twin that does not are
// the same afterwards, now and in everything that they do later.
#include <gtest/gtest.h>

#include <functional>

#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using word::Remaining;

// Everything of a status that a later step could depend on, as text.
std::string Picture(const GroupStatus& s) {
  std::string out =
      Concat(s.last_decided.value(), " limits ", s.limits.rows, "/", s.limits.bytes, " retrying ",
             s.retrying.value(), " failures ", s.failures, "/", s.failures_total, " gate ",
             ToString(s.gate), " halted ", s.halted.ok() ? "no" : "yes", s.idle ? " idle" : "");
  for (const InFlightBatch& b : s.in_flight) {
    out += Concat("; ", b.txid.value(), ":", ToString(b.attempt), " ", ToString(b.phase), " rows ",
                  b.rows, " votes ", b.votes, " awaits ", b.answers_awaited);
  }
  return out;
}

// A point in the life of a group, reached by the same steps each time.
struct Phase {
  const char* name;
  std::function<void(ProtocolHarness&)> reach;
};

// All have decided txid 1 (attempt 5.2, after 5.1 failed) and are about txid 2, whose attempt 5.1
// failed.
void DecideOne(ProtocolHarness& h) {
  h.config.retry_limit = 10;
  h.config.cut_logging = CutLogging::kNone;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)});
  h.Step(word::EmitterStarted{{}, Incarnation(2)});
}

std::string EmittedInLife2(ProtocolHarness& h, uint64_t txid, uint64_t start, uint64_t end) {
  return h.Step(word::Emitted{{kGroup, TxId(txid), h.attempt(txid)},
                              {},
                              Incarnation(2),
                              {Range({}, "p", start, end)},
                              Remaining::kMore});
}

void VotesInLife2(ProtocolHarness& h, uint64_t txid) {
  h.Voted(txid, 0);
  h.Step(word::Voted{{kGroup, TxId(txid), h.attempt(txid)}, WorkerId(1), Incarnation(2), 3, 9});
}

void DecideTwo(ProtocolHarness& h) {
  DecideOne(h);
  h.AfterTheDelay();
  EmittedInLife2(h, 1, 0, 5);
  VotesInLife2(h, 1);
  h.Written(1, 1);
  h.Applied(1, 0);
  h.Applied(1, 1, 2);
}

const std::vector<Phase>& Phases() {
  static const std::vector<Phase> phases = {
      {"backoff", [](ProtocolHarness& h) { DecideOne(h); }},
      {"emitting", [](ProtocolHarness& h) { DecideTwo(h); }},
      {"staging",
       [](ProtocolHarness& h) {
         DecideTwo(h);
         EmittedInLife2(h, 2, 5, 10);
       }},
      {"half voted",
       [](ProtocolHarness& h) {
         DecideTwo(h);
         EmittedInLife2(h, 2, 5, 10);
         h.Voted(2, 0);
       }},
      {"deciding",
       [](ProtocolHarness& h) {
         DecideTwo(h);
         EmittedInLife2(h, 2, 5, 10);
         VotesInLife2(h, 2);
       }},
      {"ready behind a decision",
       [](ProtocolHarness& h) {
         DecideTwo(h);
         EmittedInLife2(h, 2, 5, 10);
         EmittedInLife2(h, 3, 10, 15);
         VotesInLife2(h, 2);
         VotesInLife2(h, 3);
       }},
      {"paused",
       [](ProtocolHarness& h) {
         DecideTwo(h);
         h.Step(batch_event::Pause{});
         EmittedInLife2(h, 2, 5, 10);
       }},
      {"worker absent",
       [](ProtocolHarness& h) {
         DecideTwo(h);
         h.Step(batch_event::WorkerLost{WorkerId(1), Incarnation(2)});
       }},
  };
  return phases;
}

// Messages that are stale in every phase above.
struct StaleMessage {
  const char* name;
  BatchEvent event;
};

const std::vector<StaleMessage>& Messages() {
  const Attempt old{Epoch(5), 1};      // of txid 1 and 2: both failed
  const Attempt before{Epoch(4), 77};  // of an earlier start
  const Incarnation first(1);
  const Status cause = Internal("late");
  static const std::vector<StaleMessage> messages = {
      {"emitter started in an old life", word::EmitterStarted{{}, first}},
      {"emitter started, repeated", word::EmitterStarted{{}, Incarnation(2)}},
      {"emitter lost in an old life", batch_event::EmitterLost{{}, first}},
      {"input in an old life", word::InputReady{{}, first}},
      {"emitted for a decided txid",
       word::Emitted{{kGroup, TxId(1), old}, {}, first, {Range({}, "p", 0, 10)}, Remaining::kMore}},
      {"emitted for an old attempt",
       word::Emitted{
           {kGroup, TxId(2), old}, {}, first, {Range({}, "p", 10, 20)}, Remaining::kMore}},
      {"emitted in an old epoch",
       word::Emitted{{kGroup, TxId(2), before}, {}, first, {}, Remaining::kExhausted}},
      {"cut logged for an old attempt",
       batch_event::CutLogged{{kGroup, TxId(2), old}, absl::OkStatus()}},
      {"cut not logged in an old epoch",
       batch_event::CutLogged{{kGroup, TxId(2), before}, Internal("EIO")}},
      {"vote for an old attempt", word::Voted{{kGroup, TxId(2), old}, WorkerId(0), first, 3, 9}},
      {"vote of the new life for an old attempt",
       word::Voted{{kGroup, TxId(2), old}, WorkerId(1), Incarnation(2), 3, 9}},
      {"vote in an old epoch", word::Voted{{kGroup, TxId(1), before}, WorkerId(0), first, 3, 9}},
      {"vote in an old epoch for a txid not cut yet",
       word::Voted{{kGroup, TxId(500), before}, WorkerId(0), first, 3, 9}},
      {"progress of an old attempt", word::Progressed{{kGroup, TxId(2), old}}},
      {"failure of an old attempt", word::Failed{{kGroup, TxId(2), old}, cause}},
      {"failure of an old attempt of the txid before", word::Failed{{kGroup, TxId(1), old}, cause}},
      {"failure in an old epoch", word::Failed{{kGroup, TxId(3), before}, cause}},
      {"applied in an old life", word::Applied{TxId(1), WorkerId(1), first}},
      {"nothing applied", word::Applied{TxId(0), WorkerId(0), first}},
      {"worker joined in an old life", word::WorkerJoined{WorkerId(1), first, TxId(0)}},
      {"worker joined, repeated", word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)}},
      {"worker lost in an old life", batch_event::WorkerLost{WorkerId(1), first}},
  };
  return messages;
}

// Runs the same ending on both and compares each step.
void ExpectSameFuture(ProtocolHarness& a, ProtocolHarness& b) {
  const auto both = [&](const char* what, auto step) {
    EXPECT_EQ(step(a), step(b)) << what;
    EXPECT_EQ(a.timer(), b.timer()) << what;
  };
  both("resume", [](ProtocolHarness& h) { return h.Step(batch_event::Resume{}); });
  both("join", [](ProtocolHarness& h) {
    return h.Step(word::WorkerJoined{WorkerId(1), Incarnation(3), h.status().last_decided});
  });
  for (int i = 0; i < 4; ++i) {
    both("tick", [](ProtocolHarness& h) { return h.AfterTheDelay(); });
    both("written", [](ProtocolHarness& h) {
      uint64_t last = h.status().last_decided.value();
      const uint64_t first = last + 1;
      for (const InFlightBatch& batch : h.status().in_flight) {
        if (batch.phase == BatchPhase::kDeciding) last = batch.txid.value();
      }
      return last < first ? "" : h.Written(first, last);
    });
    both("applied", [](ProtocolHarness& h) {
      const uint64_t last = h.status().last_decided.value();
      return h.Applied(last, 0) + h.Applied(last, 1, 3);
    });
    both("votes", [](ProtocolHarness& h) {
      const uint64_t next = h.status().last_decided.value() + 1;
      const std::string one = h.Voted(next, 0);
      return one + h.Step(word::Voted{
                       {kGroup, TxId(next), h.attempt(next)}, WorkerId(1), Incarnation(3), 3, 9});
    });
    EXPECT_EQ(Picture(a.status()), Picture(b.status()));
  }
}

TEST(BatchProtocolStale, AStaleMessageOfAnyKindInAnyPhaseChangesNothing) {
  for (const Phase& phase : Phases()) {
    for (const StaleMessage& message : Messages()) {
      SCOPED_TRACE(Concat(message.name, " while ", phase.name));
      ProtocolHarness hears, twin;
      phase.reach(hears);
      phase.reach(twin);
      const std::string before = Picture(hears.status());
      const std::string answer = hears.Step(message.event);
      EXPECT_EQ(answer.rfind("stale ", 0), 0u) << "answered: '" << answer << "'";
      EXPECT_EQ(hears.actions().size(), 1u) << "one answer and nothing else";
      EXPECT_EQ(Picture(hears.status()), before);
      ExpectSameFuture(hears, twin);
    }
  }
}

TEST(BatchProtocolStale, EveryMessageOfAWholeRunRepeatedLaterChangesNothing) {
  // Each message once, then again at every later point: only its first arrival counts.
  const std::vector<std::function<BatchEvent(const ProtocolHarness&)>> script = {
      [](const ProtocolHarness& h) -> BatchEvent {
        return word::Emitted{{kGroup, TxId(1), h.attempt(1)},
                             {},
                             Incarnation(1),
                             {Range({}, "p", 0, 10)},
                             Remaining::kMore};
      },
      [](const ProtocolHarness& h) -> BatchEvent {
        return word::Voted{{kGroup, TxId(1), h.attempt(1)}, WorkerId(0), Incarnation(1), 1, 2};
      },
      [](const ProtocolHarness& h) -> BatchEvent {
        return word::Emitted{{kGroup, TxId(2), h.attempt(2)},
                             {},
                             Incarnation(1),
                             {Range({}, "p", 10, 12)},
                             Remaining::kMore};
      },
      [](const ProtocolHarness& h) -> BatchEvent {
        return word::Voted{{kGroup, TxId(1), h.attempt(1)}, WorkerId(1), Incarnation(1), 3, 4};
      },
      [](const ProtocolHarness&) -> BatchEvent {
        return batch_event::DecisionWritten{TxId(1), TxId(1), absl::OkStatus()};
      },
      [](const ProtocolHarness&) -> BatchEvent {
        return word::Applied{TxId(1), WorkerId(0), Incarnation(1)};
      },
      [](const ProtocolHarness& h) -> BatchEvent {
        return word::Failed{{kGroup, TxId(2), h.attempt(2)}, Internal("x")};
      },
  };
  ProtocolHarness h;
  h.Start();
  std::vector<BatchEvent> sent;
  for (const auto& make : script) {
    sent.push_back(make(h));
    h.Step(sent.back());
    const std::string picture = Picture(h.status());
    for (const BatchEvent& again : sent) {
      const std::string answer = h.Step(again);
      EXPECT_EQ(answer.rfind("stale ", 0), 0u) << again.index() << ": " << answer;
      EXPECT_EQ(Picture(h.status()), picture) << again.index();
    }
  }
}

TEST(BatchProtocolStale, AWordAboutAnotherGroupHaltsTheGroup) {
  ProtocolHarness h;
  h.Start();
  const std::string text = h.Step(word::Progressed{{GroupId(8), TxId(1), h.attempt(1)}});
  EXPECT_NE(text.find("halt: batch group 7: a message about batch group 8"), std::string::npos)
      << text;
}

TEST(BatchProtocolStale, TheAnswerNamesTheCurrentAttemptAndTheSender) {
  ProtocolHarness h;
  DecideTwo(h);
  h.Step(word::Voted{{kGroup, TxId(2), Attempt{Epoch(5), 1}}, WorkerId(1), Incarnation(1), 3, 9});
  const auto& stale = std::get<batch_action::Stale>(h.actions().front());
  EXPECT_EQ(stale.what, StaleKind::kVoted);
  EXPECT_EQ(stale.txid, TxId(2));
  EXPECT_EQ(stale.attempt, (Attempt{Epoch(5), 1}));
  EXPECT_EQ(stale.current, (Attempt{Epoch(5), 2}));
  EXPECT_EQ(stale.last_decided, TxId(1));
  EXPECT_EQ(stale.worker, WorkerId(1));
  EXPECT_EQ(stale.incarnation, Incarnation(2));
}

TEST(BatchProtocolStale, AVoteOfALifeThatThePeerHasNotAnnouncedDoesNotCount) {
  ProtocolHarness h;
  h.Start();
  h.Emitted(1, 0, 10);
  h.Voted(1, 0);
  EXPECT_EQ(h.Step(word::Voted{{kGroup, TxId(1), h.attempt(1)}, WorkerId(1), Incarnation(2), 3, 9}),
            "stale voted 1:5.1 now 5.1");
}

TEST(BatchProtocolStale, AnAnswerOfAnotherLifeOfTheEmitterDoesNotCount) {
  for (const uint64_t life : {0u, 2u}) {
    ProtocolHarness h;
    h.Start();
    EXPECT_EQ(h.Step(word::Emitted{{kGroup, TxId(1), h.attempt(1)},
                                   {},
                                   Incarnation(life),
                                   {Range({}, "p", 0, 3)},
                                   Remaining::kMore}),
              "stale emitted 1:5.1 now 5.1");
  }
}

}  // namespace
}  // namespace trident
