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

/**
 * What a pool does, told as simply as it can be: lists that are walked from the front, nothing kept
 * that can be found by looking, every step brought to rest before the next. It shares no code with
 * {@link PoolState}, whose outcomes it predicts: who gets which worker, who is refused and why,
 * what becomes of each worker, and all figures.
 */
final class Reference extends ReferenceCrew {

  /** Somebody who waits for a worker. */
  private record Wish(
      int request, CheckoutKind kind, int owner, long since, long until, boolean runs) {

    String session() {
      return kind.session().orElse(null);
    }
  }

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

  /** A call, or the claim of a wish, that stands in the line for any worker. */
  private record Entry(boolean isCall, int number, long since) {}

  /** In the order of their coming. */
  private final List<Wish> wishes = new ArrayList<>();

  private final List<Entry> line = new ArrayList<>();
  private final List<Holding> holdings = new ArrayList<>();

  /** The one that had something to do last, first. */
  private final List<Member> idle = new ArrayList<>();

  /** By session: the {@link Member#code} of the process that it had last. */
  private final Map<String, Integer> bound = new HashMap<>();

  private final Map<Integer, Lease> leases = new HashMap<>();
  private final TreeMap<Integer, String> requests = new TreeMap<>();
  private final Map<Integer, Boolean> isCheckout = new LinkedHashMap<>();
  private final TreeMap<Integer, String> calls = new TreeMap<>();
  private final Map<Integer, Long> enteredAt = new HashMap<>();
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

  private static Integer among(List<Integer> those, int who) {
    return those.isEmpty() ? null : those.stream().sorted().toList().get(who % those.size());
  }

  private List<Integer> codes(Predicate<Member> which) {
    return members().stream().filter(which).map(Member::code).toList();
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

  private void comeToRest() {
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

  private void start(Member member, int how) {
    if (how == 0) {
      becomesReady(member);
    } else {
      dies(member, how == 1 ? Failure.PASSING : Failure.FOR_GOOD);
    }
  }

  // ---- asking

  private void ask(CheckoutKind kind, int owner, long patience, boolean runs) {
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

  private boolean nobodyCouldServe() {
    return slots.stream()
        .noneMatch(one -> one.current != null && one.current.stage == Stage.IN_LANE);
  }

  private void refuse(int request, String why) {
    requests.put(request, "refused " + why);
  }

  private Wish wish(int request) {
    return wishes.stream().filter(one -> one.request == request).findFirst().orElse(null);
  }

  /** A session is served in its own order, one at a time. */
  private Wish turnOf(String session) {
    boolean busy = holdings.stream().anyMatch(one -> Objects.equals(one.wish.session(), session));
    return busy || session == null
        ? null
        : wishes.stream().filter(one -> session.equals(one.session())).findFirst().orElse(null);
  }

  private boolean isTurnOf(Wish wish) {
    return wish.session() == null || turnOf(wish.session()) == wish;
  }

  /** It is its turn: it gets a worker, or stands in line, or waits for its own one. */
  private void place(Wish wish, boolean first) {
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
  private void drop(Wish wish, String why) {
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

  private void dropAll(String why) {
    List.copyOf(wishes).forEach(wish -> drop(wish, why));
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
      if (wish.owner == owner) {
        drop(wish, "OWNER_DEAD");
      }
    }
    holdings.stream().filter(one -> one.wish.owner == owner).toList().forEach(this::revoke);
  }

  private void endSession(String session) {
    if (bound.remove(session) != null) {
      Wish next = turnOf(session);
      if (next != null && next.kind.affinity() != Affinity.PREFER) {
        place(next, false);
      }
    }
  }

  // ---- one-shot calls

  private void call() {
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
  private void forgetTheDead() {
    while (!idle.isEmpty() && idle.get(0).dead) {
      idle.remove(0);
    }
  }

  private void runs(Member member, int call) {
    member.runs = "c" + call;
    member.unstarted = member.dead;
    calls.put(call, "runs on " + member.id());
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

  private void refuseCalls(String why) {
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

  private void handOut(Member member, int request) {
    idle.remove(member);
    member.out = true;
    mail.add(() -> isOut(member, wish(request)));
  }

  private void isOut(Member member, Wish wish) {
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
  private void goesOn(Member member) {
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

  // ---- leases

  private void grant(Wish wish, Member member) {
    var lease = new Lease(member.slot.number, member.generation, ++granted);
    if (member.dead) {
      isNotHandedOver(wish, member);
      return;
    }
    member.stage = Stage.LEASED;
    member.slot.checkouts++;
    wishes.remove(wish);
    line.removeIf(entry -> !entry.isCall && entry.number == wish.request);
    if (wish.session() != null) {
      bound.put(wish.session(), member.code());
    }
    long until = wish.runs ? Long.MAX_VALUE : now + Terms.ACKNOWLEDGE;
    holdings.add(new Holding(lease, wish, member, until));
    if (wish.runs) {
      member.runs = "r" + wish.request;
      requests.put(wish.request, "runs on " + member.id());
    } else {
      leases.put(wish.request, lease);
      requests.put(wish.request, "has " + lease);
    }
  }

  /** It was found dead in the moment of its hand-over: it goes, and the wish is first again. */
  private void isNotHandedOver(Wish wish, Member member) {
    boolean pinned = wish.kind.affinity() != Affinity.PREFER;
    line.removeIf(entry -> !entry.isCall && entry.number == wish.request);
    wishes.remove(wish);
    stop(member, !member.leaves);
    boolean own = pinned && Objects.equals(bound.get(wish.session()), member.code());
    if (!isRunning() || own) {
      refuse(wish.request, isRunning() ? "LEASE_ENDED" : "DRAINING");
      Wish next = turnOf(wish.session());
      if (next != null) {
        place(next, false);
      }
    } else {
      wishes.add(0, wish);
      place(wish, true);
    }
  }

  private Holding holding(Lease lease) {
    return holdings.stream().filter(one -> one.lease.equals(lease)).findFirst().orElse(null);
  }

  private Holding holdingOf(int request) {
    return holdings.stream().filter(one -> one.wish.request == request).findFirst().orElse(null);
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
      holding.member.runs = "u" + holding.wish.request;
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
    if (!holding.wish.runs) {
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
    idle.remove(member);
    if (member.ready && !line.isEmpty()) {
      forgetTheDead();
    }
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
        if (!holding.wish.runs) {
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
      if (wish.kind.affinity() != Affinity.PREFER && isTurnOf(wish) && own) {
        drop(wish, "LEASE_ENDED");
      }
    }
  }

  /** A call that a dead worker never started is first again. */
  private void goesBack(int call) {
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

  // ---- time, and the end

  private void tick() {
    now += Terms.TICK;
    wishes.stream().filter(one -> one.until <= now).toList().forEach(one -> drop(one, "DEADLINE"));
    List<Holding> expired = holdings.stream().filter(one -> one.until <= now).toList();
    wishes.stream()
        .filter(one -> isTurnOf(one))
        .filter(one -> one.kind.affinity() == Affinity.PREFER || bound.get(one.session()) == null)
        .findFirst()
        .ifPresent(one -> grow(one.since));
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
    line.stream().filter(Entry::isCall).findFirst().ifPresent(call -> grow(call.since));
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
