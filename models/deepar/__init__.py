"""DeepAR: one recurrent network for many series, whose forecast is a distribution (Salinas, Flunkert, Gasthaus 2017).

The parts agree on this, and nothing else:

Input of step t, in this order: the scaled values at the lags of the frequency; the calendar features of t; its age; the
dynamic features; the embeddings of the categories; the logarithm of the scale (`models.deepar.inputs`). A missing value
counts as 0 among the lags and is left out of the loss and of the scale.
Stacked LSTM cells without peepholes: `kernel` [input + cells, 4 * cells] applies to the input and the last output side
by side, `bias` [4 * cells], both in the order of gates input, forget, cell, output. With z = [x, h] @ kernel + bias:
c = sigmoid(z_forget) * c + sigmoid(z_input) * tanh(z_cell), h = sigmoid(z_output) * tanh(c).
The last layer's output of step t, times `projection`, are the raw parameters of the distribution of the value at t,
divided by the scale (`models.deepar.learning.likelihoods`).
A trained model is a file of numpy (`models.deepar.artefact`), so that serving needs no TensorFlow.

Others use `artefact`, `calendars`, `config`, `frequency`, `jobs`, `learning`, `predictor`, `series`, `serving`,
`specs`, `wording`.
"""
