"""What tests of datasets are made of."""

SEED = b"""Region,VMSeries,ObjectTime,sum_PeakDailyCores
asiasoutheast,FS,2020-08-01 00:00:00.0000000,152
ussouth,A,2020-08-01 00:00:00.0000000,1377
ussouth,D,2020-08-01 00:00:00.0000000,234
europewest,B,2020-08-01 00:00:00.0000000,11912
asiasoutheast,B,2020-08-01 00:00:00.0000000,3866
asiasoutheast,FS,2020-08-02 00:00:00.0000000,160
"""
