package io.gorgon.scoreboard;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** What the requests of a storm are, in an order that the seed gives. */
final class StormPlan {

  /** A request, or a checkout, of one kind. */
  enum What {
    CALL,
    REPEATED,
    SESSION,
    STREAM,
    STREAM_FAILS,
    STREAM_LEFT,
    ASKS_JAVA,
    CANCELLED,
    ASK_TIMES_OUT,
    CHECKOUT,
    CHECKOUT_TIMES_OUT,
    RETURNED_TWICE,
    OWNER_DIES,
    KILLED_AFTER_HEADER,
    KILLED_BEFORE_REPLY,
    KILLED_MID_REPLY,
    KILLED_AFTER_REPLY,
    STOPPED,
    MALFORMED,
    OVERSIZE
  }

  /** Killed from outside at any moment, beside those that a request kills at a known point. */
  static final int KILLS_FROM_OUTSIDE = 180;

  /** Killed by a request, at each of four points. */
  private static final int KILLS_EACH = 35;

  private static final int EACH = 50;
  static final int REQUESTS = Integer.getInteger("scoreboard.requests", 61_000);

  private StormPlan() {}

  static List<What> of(Random random) {
    List<What> plan = new ArrayList<>(REQUESTS);
    add(plan, What.REPEATED, 6_000);
    add(plan, What.SESSION, 3_000);
    add(plan, What.STREAM, 1_500);
    add(plan, What.STREAM_FAILS, 300);
    add(plan, What.STREAM_LEFT, 300);
    add(plan, What.ASKS_JAVA, 1_500);
    add(plan, What.CANCELLED, 1_500);
    add(plan, What.CHECKOUT, 500);
    add(plan, What.CHECKOUT_TIMES_OUT, EACH);
    add(plan, What.ASK_TIMES_OUT, EACH);
    add(plan, What.RETURNED_TWICE, EACH);
    add(plan, What.OWNER_DIES, EACH);
    add(plan, What.KILLED_AFTER_HEADER, KILLS_EACH);
    add(plan, What.KILLED_BEFORE_REPLY, KILLS_EACH);
    add(plan, What.KILLED_MID_REPLY, KILLS_EACH);
    add(plan, What.KILLED_AFTER_REPLY, KILLS_EACH);
    add(plan, What.STOPPED, EACH);
    add(plan, What.MALFORMED, EACH);
    add(plan, What.OVERSIZE, EACH);
    add(plan, What.CALL, REQUESTS - plan.size());
    Collections.shuffle(plan, random);
    return plan;
  }

  private static void add(List<What> plan, What what, int times) {
    plan.addAll(Collections.nCopies(times, what));
  }
}
