package io.gorgon.proving.history;

import io.gorgon.proving.history.Fact.Answer;
import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.Question;
import io.gorgon.proving.history.Fact.Served;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.Fact.Told;
import java.util.List;

/**
 * Each question of Python to Java is served once and answered once, to its own call. A right answer
 * is the call's nonce, a slash, and the question's number. Of a call that may run again the numbers
 * come again, so only those that run once are judged.
 */
final class CallbackRules implements History.Rules {

  @Override
  public Subject.Kind about() {
    return Subject.Kind.CALL;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    var asked = History.only(Asked.class, facts);
    var questions = History.only(Question.class, facts);
    var served = History.only(Served.class, facts);
    var answers = History.only(Answer.class, facts);
    if (asked.isEmpty() || asked.get(0).terms().runs() > 1) {
      return;
    }
    for (Served one : served) {
      if (questions.stream().noneMatch(question -> question.number() == one.number())) {
        found.add(Violation.of(Breach.QUESTION_INVENTED, subject, facts, one));
      }
      if (facts.stream().anyMatch(f -> f instanceof Started run && !run.id().equals(one.id()))) {
        found.add(Violation.of(Breach.QUESTION_OF_ANOTHER_CALL, subject, facts, one));
      }
    }
    boolean endedWell =
        History.only(Told.class, facts).stream().anyMatch(one -> one.failure() == null);
    for (Question question : questions) {
      long timesServed = served.stream().filter(s -> s.number() == question.number()).count();
      List<Answer> own = answers.stream().filter(a -> a.number() == question.number()).toList();
      if (timesServed > 1) {
        found.add(Violation.of(Breach.QUESTION_SERVED_TWICE, subject, facts, question));
      }
      if (!own.isEmpty() && timesServed == 0) {
        found.add(Violation.of(Breach.QUESTION_NOT_SERVED, subject, facts, question));
      }
      if (own.size() > 1) {
        found.add(Violation.of(Breach.QUESTION_ANSWERED_TWICE, subject, facts, question));
      }
      if (own.isEmpty() && endedWell) {
        found.add(Violation.of(Breach.QUESTION_UNANSWERED, subject, facts, question));
      }
      String right = asked.get(0).nonce() + "/" + question.number();
      for (Answer answer : own) {
        if (!answer.value().equals(right)) {
          found.add(Violation.of(Breach.QUESTION_CROSSED, subject, facts, answer));
        }
      }
    }
  }
}
