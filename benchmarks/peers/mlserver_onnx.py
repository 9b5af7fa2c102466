"""MLServer's model that answers with onnxruntime: MLServer has none of its own for ONNX files."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class OnnxModel(MLModel):
    """A file with one input; one thread, as a replica of ours has."""

    async def load(self) -> bool:
        """Load the file that `model-settings.json` names."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = await get_model_uri(self._settings)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [one.name for one in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """All outputs of the model."""
        (given,) = payload.inputs
        found = self._session.run(None, {given.name: NumpyCodec.decode_input(given)})
        outputs = [
            StringCodec.encode_output(name, values.tolist())
            if values.dtype == object
            else NumpyCodec.encode_output(name, values)
            for name, values in zip(self._outputs, found, strict=True)
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
