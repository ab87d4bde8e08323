package io.gorgon.proving;

import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Skips a test whose layer is not there, with a message that says what to set. */
public final class LayerCondition implements ExecutionCondition {

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    Optional<NeedsLayer> needs =
        AnnotationSupport.findAnnotation(context.getElement(), NeedsLayer.class)
            .or(
                () ->
                    context
                        .getTestClass()
                        .flatMap(type -> AnnotationSupport.findAnnotation(type, NeedsLayer.class)));
    return needs
        .map(needed -> evaluate(needed.value(), needed.pooling(), TestMachine.CURRENT))
        .orElseGet(() -> ConditionEvaluationResult.enabled("needs no layer"));
  }

  static ConditionEvaluationResult evaluate(Layer needed, boolean pooling, TestMachine machine) {
    if (pooling && !machine.poolingOn()) {
      return ConditionEvaluationResult.disabled(
          "needs a pool, and TEST_POOLING is off: unset TEST_POOLING to run it");
    }
    if (needed.compareTo(machine.mode()) > 0) {
      return ConditionEvaluationResult.disabled(
          "needs the layer "
              + needed.mode()
              + ", and this run has "
              + machine.mode().mode()
              + " ("
              + machine.modeReason()
              + "): set TEST_MODE="
              + needed.mode()
              + " to run it");
    }
    return machine
        .missingFor(needed)
        .map(
            missing ->
                ConditionEvaluationResult.disabled(
                    "needs the layer " + needed.mode() + ", and " + missing))
        .orElseGet(() -> ConditionEvaluationResult.enabled(needed.mode()));
  }
}
