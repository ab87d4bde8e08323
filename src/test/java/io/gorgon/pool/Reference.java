package io.gorgon.pool;

import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.ReferenceSlot.Failure;
import io.gorgon.pool.ReferenceSlot.Member;
import io.gorgon.pool.ReferenceSlot.Stage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a pool does, told as simply as it can be: lists that are walked from the front, nothing kept
 * that can be found by looking, every step brought to rest before the next. It shares no code with
 * {@link PoolState}, whose outcomes it predicts: who gets which worker, who is refused and why,
 * what becomes of each worker, and all figures.
 */
final class Reference extends ReferenceLine {

  /** Somebody who has one. */
  private static final class Holding {
    final Lease lease;
    final Wish wish;
    final Member member;
    boolean acknowledged;
    boolean used;
    long until;

    Holding(Lease lease, Wish wish, Member member, long until) {
      this.lease = lease;
      this.wish = wish;
      this.member = member;
      this.until = until;
    }

    boolean isBusy() {
      return !member.runs.isEmpty();
    }
  }

  private final List<Holding> holdings = new ArrayList<>();
  private final Map<Integer, Lease> leases = new HashMap<>();
  private final List<String> ended = new ArrayList<>();
  private int granted;
  private long stale;
  private long drainsUntil;
  private boolean cutShort;

  Reference(boolean lazy) {
    super(lazy);
    comeToRest();
  }

  // ---- steps

  /** The same step about somebody who is there; null if there is nobody. */
  Step resolved(Step step) {
    Integer who =
        switch (step.what()) {
          case ACKNOWLEDGE, RENEW, RETURN -> among(List.copyOf(leases.keySet()), step.who());
          case USE -> among(unused(), step.who());
          case CANCEL -> among(cancellable(), step.who());
          case ANSWER -> among(codes(one -> !one.runs.isEmpty() && !one.dead), step.who());
          case DIES -> among(codes(one -> one.stage.serves() && !one.dead), step.who());
          case EXIT -> among(codes(one -> one.stage.serves()), step.who());
          case START -> among(codes(one -> one.stage == Stage.STARTING), step.who());
          case ASK, OWNER_DIES -> step.who() % 3;
          default -> step.who();
        };
    return who == null || mode == Mode.STOPPED ? null : new Step(step.what(), who, step.how());
  }

  private List<Integer> unused() {
    return leases.keySet().stream()
        .filter(request -> holding(leases.get(request)) == null || !holdingOf(request).isBusy())
        .toList();
  }

  private List<Integer> cancellable() {
    return requests.keySet().stream()
        .filter(request -> isCheckout.get(request) || wish(request) != null)
        .toList();
  }

  /** Does it, and whatever follows. */
  void apply(Step step) {
    ended.clear();
    int who = step.who();
    int how = step.how();
    switch (step.what()) {
      case ASK -> ask(Terms.kindOfCheckout(how), who, Terms.patience(how), false);
      case SUBMIT -> ask(Terms.kindOfCall(how), 0, Terms.HOUR, true);
      case CALL -> call();
      case ACKNOWLEDGE, RENEW -> renew(holdingOf(who));
      case USE -> use(holdingOf(who));
      case RETURN -> giveBack(how >= 3 ? null : holdingOf(who), Verdict.values()[how % 3]);
      case CANCEL -> withdraw(who);
      case OWNER_DIES -> ownerDies(who);
      case ANSWER -> answers(member(who));
      case EXIT -> dies(member(who), Failure.NONE);
      case DIES -> member(who).dead = true;
      case START -> start(member(who), how);
      case MODE -> startMode = how;
      case TIME -> {
        for (int tick = 0; tick < how; tick++) {
          tick();
          comeToRest();
        }
      }
      case RESIZE -> resize(Terms.min(how), Terms.max(how));
      case RESET -> reset();
      case DRAIN -> drain(Terms.drainTime(how));
      case END_SESSION -> endSession(Terms.session(who));
    }
    comeToRest();
  }

  private void withdraw(int request) {
    Wish wish = wish(request);
    Holding holding = holdingOf(request);
    if (wish != null) {
      drop(wish, "CANCELLED");
    } else if (holding != null && !holding.acknowledged) {
      revoke(holding);
    }
  }

  private void ownerDies(int owner) {
    if (owner == 0) {
      return;
    }
    for (Wish wish : List.copyOf(wishes)) {
      if (wish.owner() == owner) {
        drop(wish, "OWNER_DEAD");
      }
    }
    holdings.stream().filter(one -> one.wish.owner() == owner).toList().forEach(this::revoke);
  }

  private void answers(Member member) {
    int number = Integer.parseInt(member.runs.substring(1));
    char what = member.runs.charAt(0);
    member.runs = "";
    if (what == 'c') {
      calls.put(number, "value");
      admit(member);
    } else if (what == 'r') {
      requests.put(number, "value");
      member.news.add(() -> end(holdingOf(number), "", false, false));
    }
  }

  // ---- leases

  @Override
  void grant(Wish wish, Member member) {
    var lease = new Lease(member.slot.number, member.generation, ++granted);
    if (member.dead) {
      isNotHandedOver(wish, member);
      return;
    }
    member.stage = Stage.LEASED;
    member.slot.checkouts++;
    wishes.remove(wish);
    line.removeIf(entry -> !entry.isCall() && entry.number() == wish.request());
    if (wish.session() != null) {
      bound.put(wish.session(), member.code());
    }
    long until = wish.runs() ? Long.MAX_VALUE : now + Terms.ACKNOWLEDGE;
    holdings.add(new Holding(lease, wish, member, until));
    if (wish.runs()) {
      member.runs = "r" + wish.request();
      requests.put(wish.request(), "runs on " + member.id());
    } else {
      leases.put(wish.request(), lease);
      requests.put(wish.request(), "has " + lease);
    }
  }

  /** It was found dead in the moment of its hand-over: it goes, and the wish is first again. */
  private void isNotHandedOver(Wish wish, Member member) {
    boolean pinned = wish.kind().affinity() != Affinity.PREFER;
    line.removeIf(entry -> !entry.isCall() && entry.number() == wish.request());
    wishes.remove(wish);
    stop(member, !member.leaves);
    boolean own = pinned && Objects.equals(bound.get(wish.session()), member.code());
    if (!isRunning() || own) {
      refuse(wish.request(), isRunning() ? "LEASE_ENDED" : "DRAINING");
      Wish next = turnOf(wish.session());
      if (next != null) {
        place(next, false);
      }
    } else {
      wishes.add(0, wish);
      place(wish, true);
    }
  }

  @Override
  boolean isHeld(String session) {
    return holdings.stream().anyMatch(one -> session.equals(one.wish.session()));
  }

  private Holding holding(Lease lease) {
    return holdings.stream().filter(one -> one.lease.equals(lease)).findFirst().orElse(null);
  }

  private Holding holdingOf(int request) {
    return holdings.stream().filter(one -> one.wish.request() == request).findFirst().orElse(null);
  }

  private void renew(Holding holding) {
    if (holding == null) {
      stale++;
    } else {
      holding.acknowledged = true;
      holding.until = now + Terms.LEASE;
    }
  }

  private void use(Holding holding) {
    if (holding != null) {
      holding.used = true;
      holding.member.runs = "u" + holding.wish.request();
    }
  }

  private void giveBack(Holding holding, Verdict verdict) {
    if (holding == null) {
      stale++;
      return;
    }
    boolean isBroken = verdict == Verdict.BROKEN || holding.isBusy();
    end(
        holding,
        isBroken ? "returned broken" : "returned " + verdict,
        isBroken,
        verdict == Verdict.SUSPECT);
  }

  private void revoke(Holding holding) {
    boolean unused = !holding.used;
    end(holding, unused ? "revoked unused" : "revoked in use", !unused, false);
  }

  private void end(Holding holding, String how, boolean isBroken, boolean isSuspect) {
    Member member = holding.member;
    holdings.remove(holding);
    if (!holding.wish.runs()) {
      ended.add(holding.lease + " " + how);
    }
    member.slot.failed += isBroken ? 1 : 0;
    member.slot.clean += isBroken ? 0 : 1;
    Wish next = turnOf(holding.wish.session());
    if (isBroken) {
      stop(member, !member.leaves);
    } else if (isSuspect && !member.leaves) {
      member.stage = Stage.CHECKING;
      if (!member.dead) {
        member.news.add(() -> goesOn(member));
      }
    } else {
      goesOn(member);
    }
    if (next != null && wishes.contains(next)) {
      place(next, false);
    }
  }

  @Override
  void lose(Member member) {
    forget(member);
    if (member.runs.startsWith("c") && member.unstarted) {
      goesBack(Integer.parseInt(member.runs.substring(1)));
    } else if (member.runs.startsWith("c")) {
      calls.put(Integer.parseInt(member.runs.substring(1)), "lost");
    } else if (member.runs.startsWith("r")) {
      requests.put(Integer.parseInt(member.runs.substring(1)), "lost");
    }
    member.runs = "";
    for (Holding holding : List.copyOf(holdings)) {
      if (holding.member == member) {
        holdings.remove(holding);
        member.slot.failed++;
        if (!holding.wish.runs()) {
          ended.add(holding.lease + " its worker is gone");
        }
        Wish next = turnOf(holding.wish.session());
        if (next != null) {
          place(next, false);
        }
      }
    }
    for (Wish wish : List.copyOf(wishes)) {
      boolean own = Objects.equals(bound.get(wish.session()), member.code());
      if (wish.kind().affinity() != Affinity.PREFER && isTurnOf(wish) && own) {
        drop(wish, "LEASE_ENDED");
      }
    }
  }

  // ---- time, and the end

  private void tick() {
    now += Terms.TICK;
    wishes.stream()
        .filter(one -> one.until() <= now)
        .toList()
        .forEach(one -> drop(one, "DEADLINE"));
    List<Holding> expired = holdings.stream().filter(one -> one.until <= now).toList();
    wishes.stream()
        .filter(one -> isTurnOf(one))
        .filter(one -> one.kind().affinity() == Affinity.PREFER || bound.get(one.session()) == null)
        .findFirst()
        .ifPresent(one -> grow(one.since()));
    if (mode == Mode.DRAINING && !cutShort && drainsUntil <= now) {
      cutShort = true;
      members().stream()
          .filter(one -> one.stage != Stage.HIRED)
          .forEach(member -> stop(member, false));
    }
    if (isRunning()) {
      startWhatMay();
    }
    expired.forEach(this::revoke);
    line.stream().filter(Entry::isCall).findFirst().ifPresent(call -> grow(call.since()));
  }

  private void drain(long time) {
    drainsUntil = isRunning() ? now + time : Math.min(drainsUntil, now + time);
    if (isRunning()) {
      mode = Mode.DRAINING;
      refuseCalls("DRAINING");
      dropAll("DRAINING");
      members().forEach(this::leave);
      stopIfEmpty();
    }
  }

  // ---- looking

  /** What can be seen from outside. */
  String seen() {
    if (mode == Mode.STOPPED) {
      return "STOPPED\n" + requests + "\n" + calls;
    }
    long ready = members().stream().filter(one -> one.stage.serves()).count();
    long leased = members().stream().filter(one -> one.stage == Stage.LEASED).count();
    var text = new StringBuilder();
    text.append(!isRunning() ? "DRAINING" : broken ? "BROKEN" : "RUNNING");
    text.append(' ').append(min).append("..").append(max).append(" ready=").append(ready);
    text.append(" leased=").append(leased).append(" waiting=").append(wishes.size());
    text.append(" calls=").append(line.stream().filter(Entry::isCall).count());
    text.append(" stale=").append(stale).append('\n');
    slots.forEach(slot -> text.append(slot).append('\n'));
    text.append(requests).append('\n').append(calls).append('\n');
    text.append(ended.stream().sorted().toList());
    return text.toString();
  }
}
