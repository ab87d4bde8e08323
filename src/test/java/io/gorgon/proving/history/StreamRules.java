package io.gorgon.proving.history;

import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.Element;
import io.gorgon.proving.history.Fact.StreamOver;
import io.gorgon.proving.history.Fact.Told;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Each element once, in order, none after the end; of one that fails or is cancelled, the first
 * ones. Elements are the call's nonce, a slash, and their place.
 */
final class StreamRules implements History.Rules {

  @Override
  public Subject.Kind about() {
    return Subject.Kind.CALL;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    var asked = History.only(Asked.class, facts);
    if (asked.isEmpty() || asked.get(0).terms().elements() < 0) {
      return;
    }
    Asked call = asked.get(0);
    Set<Long> seen = new HashSet<>();
    long next = 0;
    StreamOver over = null;
    for (Fact fact : facts) {
      if (fact instanceof StreamOver end) {
        over = end;
      }
      if (!(fact instanceof Element one)) {
        continue;
      }
      if (!one.value().equals(call.nonce() + "/" + one.index())) {
        found.add(Violation.of(Breach.ELEMENT_WRONG, subject, facts, one));
      }
      if (over != null) {
        found.add(Violation.of(Breach.ELEMENT_AFTER_END, subject, facts, one));
      }
      if (!seen.add(one.index())) {
        found.add(Violation.of(Breach.ELEMENT_TWICE, subject, facts, one));
      } else if (one.index() < next) {
        found.add(Violation.of(Breach.ELEMENT_OUT_OF_ORDER, subject, facts, one));
      } else {
        next = one.index() + 1;
      }
    }
    if (seen.size() < next) {
      found.add(Violation.of(Breach.ELEMENT_MISSING, subject, facts, call));
    }
    if (over == null) {
      found.add(Violation.of(Breach.STREAM_ENDLESS, subject, facts, call));
      return;
    }
    boolean answered = History.only(Told.class, facts).stream().anyMatch(t -> t.failure() == null);
    if (answered && over.failure() != null) {
      found.add(Violation.of(Breach.STREAM_AND_CALL_DIFFER, subject, facts, over));
    }
    if (answered && over.failure() == null && next < call.terms().elements()) {
      found.add(Violation.of(Breach.STREAM_CUT_SHORT, subject, facts, over));
    }
  }
}
