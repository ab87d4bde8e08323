package io.gorgon.pool;

import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.ReferenceSlot.Failure;
import io.gorgon.pool.ReferenceSlot.Member;
import io.gorgon.pool.ReferenceSlot.Stage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;

/** The part of the {@link Reference} that knows who waits, and who is next. */
abstract class ReferenceLine extends ReferenceCrew {
  /** Somebody who waits for a worker. */
  record Wish(int request, CheckoutKind kind, int owner, long since, long until, boolean runs) {

    String session() {
      return kind.session().orElse(null);
    }
  }

  /** A call, or the claim of a wish, that stands in the line for any worker. */
  record Entry(boolean isCall, int number, long since) {}

  /** In the order of their coming. */
  final List<Wish> wishes = new ArrayList<>();

  final List<Entry> line = new ArrayList<>();

  /** The one that had something to do last, first. */
  private final List<Member> idle = new ArrayList<>();

  /** By session: the {@link Member#code} of the process that it had last. */
  final Map<String, Integer> bound = new HashMap<>();

  final TreeMap<Integer, String> requests = new TreeMap<>();
  final Map<Integer, Boolean> isCheckout = new LinkedHashMap<>();
  final TreeMap<Integer, String> calls = new TreeMap<>();
  private final Map<Integer, Long> enteredAt = new HashMap<>();

  ReferenceLine(boolean lazy) {
    super(lazy);
  }

  /** Whether somebody has a worker for that session. */
  abstract boolean isHeld(String session);

  /** A worker that is idle is handed to one whose turn it is. */
  abstract void grant(Wish wish, Member member);

  // ---- asking

  void ask(CheckoutKind kind, int owner, long patience, boolean runs) {
    int request = requests.size() + 1;
    var wish = new Wish(request, kind, owner, now, now + patience, runs);
    boolean pinned = kind.affinity() != Affinity.PREFER;
    isCheckout.put(request, !runs);
    requests.put(request, "waits");
    if (kind.session().map(String::isBlank).orElse(pinned)) {
      refuse(request, "INVALID_KIND");
    } else if (!isRunning()) {
      refuse(request, "DRAINING");
    } else if (patience == 0) {
      refuse(request, "DEADLINE");
    } else if (broken) {
      refuse(request, "NO_CAPACITY");
    } else {
      boolean waitsIfBusy = kind.affinity() != Affinity.PINNED_FAIL_FAST;
      fillIfEmpty();
      if (waitsIfBusy && wishes.size() >= Terms.CAPACITY && idle.isEmpty() && nobodyCouldServe()) {
        refuse(request, "QUEUE_FULL");
        return;
      }
      wishes.add(wish);
      if (isTurnOf(wish)) {
        place(wish, false);
      }
      mail.add(
          () -> {
            if (!waitsIfBusy) {
              drop(wish, "WORKER_BUSY");
            } else if (wishes.size() > Terms.CAPACITY) {
              drop(wish, "QUEUE_FULL");
            }
          });
    }
  }

  boolean nobodyCouldServe() {
    return slots.stream()
        .noneMatch(one -> one.current != null && one.current.stage == Stage.IN_LANE);
  }

  void refuse(int request, String why) {
    requests.put(request, "refused " + why);
  }

  Wish wish(int request) {
    return wishes.stream().filter(one -> one.request == request).findFirst().orElse(null);
  }

  /** A session is served in its own order, one at a time. */
  Wish turnOf(String session) {
    return session == null || isHeld(session)
        ? null
        : wishes.stream().filter(one -> session.equals(one.session())).findFirst().orElse(null);
  }

  boolean isTurnOf(Wish wish) {
    return wish.session() == null || turnOf(wish.session()) == wish;
  }

  /** It is its turn: it gets a worker, or stands in line, or waits for its own one. */
  void place(Wish wish, boolean first) {
    Integer code = wish.session() == null ? null : bound.get(wish.session());
    Member own = code == null ? null : member(code);
    boolean alive = own != null && own.stage.serves() && !own.leaves;
    if (wish.kind.affinity() == Affinity.PREFER || code == null) {
      Member preferred = alive ? own.slot.current : null;
      List<Member> fit = idle.stream().filter(one -> !one.dead).toList();
      Member free = fit.contains(preferred) ? preferred : fit.isEmpty() ? null : fit.get(0);
      if (free != null) {
        handOut(free, wish.request);
      } else {
        line.add(first ? 0 : line.size(), new Entry(false, wish.request, now));
      }
    } else if (!alive) {
      drop(wish, "LEASE_ENDED");
    } else if (own.stage == Stage.IN_LANE) {
      claim(own);
    }
  }

  /** Gets no worker; the next of its session may try. */
  void drop(Wish wish, String why) {
    if (wishes.contains(wish)) {
      boolean wasTurn = isTurnOf(wish);
      line.removeIf(entry -> !entry.isCall && entry.number == wish.request);
      wishes.remove(wish);
      refuse(wish.request, why);
      Wish next = wasTurn ? turnOf(wish.session()) : null;
      if (next != null) {
        place(next, false);
      }
    }
  }

  void dropAll(String why) {
    List.copyOf(wishes).forEach(wish -> drop(wish, why));
  }

  void endSession(String session) {
    if (bound.remove(session) != null) {
      Wish next = turnOf(session);
      if (next != null && next.kind.affinity() != Affinity.PREFER) {
        place(next, false);
      }
    }
  }

  // ---- one-shot calls

  void call() {
    int call = calls.size() + 1;
    enteredAt.put(call, now);
    long waiting = line.stream().filter(Entry::isCall).count();
    if (isRunning() && !broken) {
      forgetTheDead();
    }
    if (!isRunning() || broken) {
      calls.put(call, isRunning() ? "refused NO_CAPACITY" : "refused DRAINING");
    } else if (!idle.isEmpty()) {
      runs(idle.remove(0), call);
    } else if (waiting >= Terms.CAPACITY) {
      calls.put(call, "refused QUEUE_FULL");
    } else {
      calls.put(call, "waits");
      line.add(new Entry(true, call, now));
      if (members().stream().noneMatch(one -> one.stage == Stage.IN_LANE && !one.out)) {
        mail.add(() -> grow(now));
      }
    }
  }

  /** As far as there is nobody before them who could serve. */
  void forgetTheDead() {
    while (!idle.isEmpty() && idle.get(0).dead) {
      idle.remove(0);
    }
  }

  void runs(Member member, int call) {
    member.runs = "c" + call;
    member.unstarted = member.dead;
    calls.put(call, "runs on " + member.id());
  }

  /** A call that a dead worker never started is first again. */
  void goesBack(int call) {
    if (!isRunning() || broken) {
      calls.put(call, isRunning() ? "refused NO_CAPACITY" : "refused DRAINING");
      return;
    }
    forgetTheDead();
    if (idle.isEmpty()) {
      calls.put(call, "waits");
      line.add(0, new Entry(true, call, enteredAt.get(call)));
    } else {
      runs(idle.remove(0), call);
    }
  }

  void refuseCalls(String why) {
    line.stream().filter(Entry::isCall).forEach(one -> calls.put(one.number, "refused " + why));
    line.removeIf(Entry::isCall);
  }

  @Override
  void breakCircuit() {
    refuseCalls("NO_CAPACITY");
    dropAll("NO_CAPACITY");
  }

  // ---- the lane

  @Override
  void admit(Member member) {
    member.out = false;
    if (member.wanted) {
      handOut(member, 0);
    } else if (line.isEmpty()) {
      idle.add(0, member);
    } else {
      Entry first = line.remove(0);
      if (first.isCall) {
        runs(member, first.number);
      } else {
        handOut(member, first.number);
      }
    }
  }

  @Override
  void claim(Member member) {
    if (idle.contains(member)) {
      handOut(member, 0);
    } else {
      member.wanted = !member.out;
    }
  }

  void handOut(Member member, int request) {
    idle.remove(member);
    member.out = true;
    mail.add(() -> isOut(member, wish(request)));
  }

  void isOut(Member member, Wish wish) {
    member.wanted = false;
    if (member.leaves && wish != null) {
      place(wish, true);
    }
    if (member.leaves || wish == null || !isTurnOf(wish)) {
      goesOn(member);
    } else {
      grant(wish, member);
    }
  }

  /**
   * It has nothing to do: it leaves, or serves a session that waits for nobody else, or anybody.
   */
  void goesOn(Member member) {
    Wish pinned =
        wishes.stream()
            .filter(wish -> wish.kind.affinity() != Affinity.PREFER && isTurnOf(wish))
            .filter(wish -> Objects.equals(bound.get(wish.session()), member.code()))
            .findFirst()
            .orElse(null);
    if (member.leaves) {
      stop(member, false);
    } else if (pinned != null) {
      grant(pinned, member);
    } else {
      member.stage = Stage.IN_LANE;
      admit(member);
    }
  }

  /** The worker is in nobody's lane any more. */
  void forget(Member member) {
    idle.remove(member);
    if (member.ready && !line.isEmpty()) {
      forgetTheDead();
    }
  }

  void comeToRest() {
    while (true) {
      Member speaker =
          members().stream()
              .filter(member -> !member.news.isEmpty())
              .min(Comparator.comparingInt(member -> member.lineage))
              .orElse(null);
      Member starting =
          members().stream()
              .filter(member -> member.stage == Stage.STARTING)
              .min(Comparator.comparingInt(Member::code))
              .orElse(null);
      if (!mail.isEmpty()) {
        mail.removeFirst().run();
      } else if (speaker != null) {
        speaker.news.removeFirst().run();
      } else if (starting != null && startMode != 1) {
        start(starting, startMode == 0 ? 0 : 1);
      } else {
        return;
      }
    }
  }

  void start(Member member, int how) {
    if (how == 0) {
      becomesReady(member);
    } else {
      dies(member, how == 1 ? Failure.PASSING : Failure.FOR_GOOD);
    }
  }

  static Integer among(List<Integer> those, int who) {
    return those.isEmpty() ? null : those.stream().sorted().toList().get(who % those.size());
  }

  List<Integer> codes(Predicate<Member> which) {
    return members().stream().filter(which).map(Member::code).toList();
  }
}
