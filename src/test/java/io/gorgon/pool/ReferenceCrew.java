package io.gorgon.pool;

import io.gorgon.pool.ReferenceSlot.Failure;
import io.gorgon.pool.ReferenceSlot.Member;
import io.gorgon.pool.ReferenceSlot.Stage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The part of the {@link Reference} that knows which workers there are: hired, started, gone. */
abstract class ReferenceCrew {

  enum Mode {
    RUNNING,
    DRAINING,
    STOPPED
  }

  long now;
  Mode mode = Mode.RUNNING;
  boolean broken;
  int min = Terms.MIN;
  int max = Terms.MAX;
  int startMode;
  final List<ReferenceSlot> slots = new ArrayList<>();

  /** What the pool is about to hear from its lane and from itself, in order. */
  final Deque<Runnable> mail = new ArrayDeque<>();

  private final boolean lazy;
  private int lineages;
  private int failuresInARow;
  private long gate;
  private final Deque<Member> resets = new ArrayDeque<>();
  private final Deque<Integer> resetGenerations = new ArrayDeque<>();

  ReferenceCrew(boolean lazy) {
    this.lazy = lazy;
    if (!lazy) {
      fill(min);
    }
  }

  /** A worker has nothing to do, and is in the lane. */
  abstract void admit(Member member);

  /** A worker in the lane is to leave it. */
  abstract void claim(Member member);

  /** What a worker had in its hands when it died is lost. */
  abstract void lose(Member member);

  /** Nobody needs to wait any more. */
  abstract void breakCircuit();

  // ---- looking

  List<Member> members() {
    return slots.stream().flatMap(slot -> slot.members().stream()).toList();
  }

  /** A worker by its {@link Member#code}, or null. */
  Member member(int code) {
    return members().stream()
        .filter(member -> member.generation > 0 && member.code() == code)
        .findFirst()
        .orElse(null);
  }

  long occupied() {
    return slots.stream().filter(slot -> slot.current != null).count();
  }

  boolean isRunning() {
    return mode == Mode.RUNNING;
  }

  // ---- how many

  void fill(int wanted) {
    for (int number = 0; number < max && occupied() < wanted; number++) {
      hireInto(number);
    }
  }

  void fillIfEmpty() {
    if (occupied() == 0) {
      fill(Math.max(1, min));
    }
  }

  private void hireInto(int number) {
    while (slots.size() <= number) {
      slots.add(new ReferenceSlot(slots.size()));
    }
    ReferenceSlot slot = slots.get(number);
    if (slot.current == null && slot.next == null) {
      slot.current = hire(slot);
    }
  }

  private Member hire(ReferenceSlot slot) {
    var member = new Member(slot, ++lineages);
    member.news.add(() -> asksForLeave(member));
    return member;
  }

  /** Somebody waits since then whom any worker would serve. */
  void grow(long since) {
    if (!isRunning() || broken) {
      return;
    }
    boolean settled =
        slots.stream()
            .map(slot -> slot.current)
            .allMatch(one -> one == null || one.stage.serves() || one.stage == Stage.STOPPING);
    if (occupied() == 0) {
      fillIfEmpty();
    } else if (now - since >= Terms.GROW_AFTER && occupied() < max && settled) {
      for (int number = 0; number < max; number++) {
        if (number >= slots.size() || slots.get(number).current == null) {
          hireInto(number);
          return;
        }
      }
    }
  }

  void resize(int newMin, int newMax) {
    min = newMin;
    max = newMax;
    for (int number = slots.size() - 1; number >= 0 && occupied() > max; number--) {
      for (Member member : slots.get(number).members()) {
        if (!member.leaves) {
          leave(member);
        }
      }
    }
    if (isRunning() && (!lazy || occupied() > 0)) {
      fill(min);
    }
    startWhatMay();
  }

  // ---- one after the other

  void reset() {
    resets.clear();
    resetGenerations.clear();
    for (ReferenceSlot slot : slots) {
      for (Member one : slot.members()) {
        boolean hasProcess = one.stage.serves() || one.stage == Stage.STARTING;
        if (one == slot.current && hasProcess || one == slot.next && one.generation > 0) {
          resets.add(one);
          resetGenerations.add(one.generation);
        }
      }
    }
    goOnWithReset();
  }

  private void goOnWithReset() {
    while (slots.stream().allMatch(slot -> slot.next == null) && !resets.isEmpty()) {
      Member one = resets.poll();
      boolean same = one.generation == resetGenerations.poll();
      boolean hasProcess = one.stage.serves() || one.stage == Stage.STARTING;
      if (isRunning() && same && one.slot.current == one && hasProcess) {
        one.slot.next = hire(one.slot);
      }
    }
  }

  // ---- starts

  private void asksForLeave(Member member) {
    if (member.leaves || !isRunning()) {
      member.slot.remove(member);
      stopIfEmpty();
      return;
    }
    member.stage = Stage.WAITING;
    member.generation = 0;
    startWhatMay();
  }

  void startWhatMay() {
    for (Member member : members()) {
      ReferenceSlot slot = member.slot;
      boolean rested = slot.restsUntil <= now && (slot.failures == 0 || gate <= now);
      if (member.stage == Stage.WAITING && rested) {
        member.stage = Stage.STARTING;
        member.generation = ++slot.lastGeneration;
        gate = slot.failures > 0 ? now + delay(failuresInARow) : gate;
      }
    }
  }

  private static long delay(int failures) {
    long delay = Terms.BACKOFF_MIN;
    for (int i = 1; i < failures && delay < Terms.BACKOFF_MAX; i++) {
      delay *= 2;
    }
    return Math.min(delay, Terms.BACKOFF_MAX);
  }

  void becomesReady(Member member) {
    ReferenceSlot slot = member.slot;
    failuresInARow = 0;
    slot.failures = 0;
    slot.lastFailure = Failure.NONE;
    slot.quarantined = false;
    broken = false;
    Member old = slot.current;
    if (member == slot.next) {
      slot.current = member;
      slot.next = null;
      if (old != null) {
        leave(old);
      }
    }
    member.stage = Stage.IN_LANE;
    member.ready = true;
    admit(member);
    goOnWithReset();
    startWhatMay();
  }

  // ---- ends

  /** It goes as soon as nobody uses it. */
  void leave(Member member) {
    member.leaves = true;
    member.slot.remove(member);
    member.slot.leaving.add(member);
    switch (member.stage) {
      case IN_LANE -> claim(member);
      case STARTING -> stop(member, false);
      case WAITING -> member.slot.remove(member);
      default -> {}
    }
  }

  /** The pool ends its process. */
  void stop(Member member, boolean replaced) {
    member.stage = Stage.STOPPING;
    member.news.add(() -> gone(member, false, replaced));
    if (replaced) {
      member.news.add(() -> asksForLeave(member));
    }
  }

  /** Its process ends by itself. */
  void dies(Member member, Failure failure) {
    boolean starting = member.stage == Stage.STARTING;
    if (starting) {
      failuresInARow++;
      member.slot.failures++;
      member.slot.lastFailure = failure;
      boolean forGood = failure == Failure.FOR_GOOD;
      member.slot.restsUntil = now + (forGood ? Terms.BACKOFF_MAX : delay(member.slot.failures));
    } else {
      crashed(member.slot);
    }
    gone(member, true, true);
    member.news.add(() -> asksForLeave(member));
  }

  private void crashed(ReferenceSlot slot) {
    slot.crashes.add(now);
    slot.crashes.removeIf(crash -> now - crash > Terms.WINDOW);
    if (slot.crashes.size() > Terms.BUDGET) {
      slot.crashes.remove(0);
      slot.quarantined = true;
      slot.restsUntil = now + Terms.QUARANTINE;
    }
  }

  private void gone(Member member, boolean byItself, boolean replaced) {
    ReferenceSlot slot = member.slot;
    member.stage = Stage.HIRED;
    member.wanted = false;
    lose(member);
    member.ready = false;
    member.dead = false;
    if (!replaced) {
      boolean wasNext = slot.next == member;
      slot.remove(member);
      if (wasNext && isRunning()) {
        slot.next = hire(slot);
      } else if (slot.current == null) {
        slot.current = slot.next;
        slot.next = null;
      }
    } else if (!member.leaves) {
      slot.restarts++;
      if (slot.current == member && slot.next != null) {
        Member successor = slot.next;
        leave(member);
        slot.current = successor;
        slot.next = null;
      }
    }
    if (!broken && isRunning() && occupied() > 0 && isHopeless()) {
      broken = true;
      breakCircuit();
    }
    if (isRunning()) {
      fill(min);
      goOnWithReset();
      startWhatMay();
    }
    stopIfEmpty();
  }

  /** Nobody serves; and whoever should, keeps failing; or somebody who should will never. */
  private boolean isHopeless() {
    List<ReferenceSlot> used = slots.stream().filter(slot -> slot.current != null).toList();
    return members().stream().noneMatch(member -> member.stage.serves())
        && (used.stream().anyMatch(slot -> slot.lastFailure == Failure.FOR_GOOD)
            || used.stream()
                .allMatch(
                    slot ->
                        slot.quarantined
                            || slot.failures >= 3
                            || slot.failures > 0 && failuresInARow >= 3));
  }

  void stopIfEmpty() {
    if (mode == Mode.DRAINING && members().isEmpty()) {
      mode = Mode.STOPPED;
    }
  }
}
